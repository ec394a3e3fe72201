package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"kylon.io/clients/go/backup"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// listsAtVersions lists at resourceVersion 0, now, an old one, and one of the future.
func listsAtVersions(ctx context.Context, c *cluster) (string, error) {
	if err := c.createDone(ctx, 4); err != nil {
		return "", err
	}
	then, err := c.backups.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	if _, err := c.label(ctx, "backup-01", "later"); err != nil {
		return "", err
	}
	now, err := c.backups.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	if now.GetResourceVersion() == then.GetResourceVersion() {
		return "", errors.New("the list has the same resourceVersion after a change")
	}
	exact, notOlder := metav1.ResourceVersionMatchExact, metav1.ResourceVersionMatchNotOlderThan
	return "", errors.Join(
		c.listIs(ctx, metav1.ListOptions{ResourceVersion: "0"}, now.Items),
		c.listIs(ctx, metav1.ListOptions{ResourceVersion: now.GetResourceVersion()}, now.Items),
		c.listIs(ctx, metav1.ListOptions{ResourceVersion: now.GetResourceVersion(), ResourceVersionMatch: exact}, now.Items),
		c.listIs(ctx, metav1.ListOptions{ResourceVersion: then.GetResourceVersion()}, now.Items),
		c.listIs(ctx, metav1.ListOptions{ResourceVersion: then.GetResourceVersion(), ResourceVersionMatch: notOlder}, now.Items),
		c.listIs(ctx, metav1.ListOptions{ResourceVersion: then.GetResourceVersion(), ResourceVersionMatch: exact}, then.Items),
	)
}

func (c *cluster) listIs(ctx context.Context, options metav1.ListOptions, want []unstructured.Unstructured) error {
	list, err := c.backups.List(ctx, options)
	if err != nil {
		return fmt.Errorf("%+v: %w", options, err)
	}
	if exact := options.ResourceVersionMatch == metav1.ResourceVersionMatchExact; exact && list.GetResourceVersion() != options.ResourceVersion {
		return fmt.Errorf("%+v: the list is of %s", options, list.GetResourceVersion())
	}
	if !reflect.DeepEqual(list.Items, want) {
		return fmt.Errorf("%+v: other objects than at that time", options)
	}
	return nil
}

// listsInFuture is told within seconds, and by a cause that client-go knows, that there is no such version yet.
func listsInFuture(ctx context.Context, c *cluster) (string, error) {
	now, err := c.backups.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	version, err := strconv.ParseUint(now.GetResourceVersion(), 10, 64)
	if err != nil {
		return "", err
	}
	client, err := backup.NewClient(c.config)
	if err != nil {
		return "", err
	}
	begin := time.Now()
	err = client.Get().Namespace(c.namespace).Resource(backup.Resource.Resource).MaxRetries(0).
		Param("resourceVersion", strconv.FormatUint(version+1_000_000, 10)).Do(ctx).Error()
	took := time.Since(begin)
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code != 504 || !apierrors.IsTimeout(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) {
		return "", fmt.Errorf("not 504 with the cause ResourceVersionTooLarge: %#v", err)
	}
	if took > 5*time.Second {
		return "", fmt.Errorf("it took %v", took)
	}
	return fmt.Sprintf("%v, after %v", err, took.Round(time.Millisecond)), nil
}

// listsInPieces shows every page as it was when the first one was read, whatever is written meanwhile.
func listsInPieces(ctx context.Context, c *cluster) (string, error) {
	if err := c.createDone(ctx, 7); err != nil {
		return "", err
	}
	whole, err := c.backups.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	var items []unstructured.Unstructured
	options := metav1.ListOptions{Limit: 3}
	for page := 0; ; page++ {
		list, err := c.backups.List(ctx, options)
		if err != nil {
			return "", err
		}
		items = append(items, list.Items...)
		if err := asPage(list, whole, len(items)); err != nil {
			return "", fmt.Errorf("page %d: %w", page, err)
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			break
		}
		if err := c.disturb(ctx, page); err != nil {
			return "", err
		}
	}
	if !reflect.DeepEqual(items, whole.Items) {
		return "", errors.New("the pages are not the list as it was at the first one")
	}
	return fmt.Sprintf("%d objects", len(items)), nil
}

// disturb changes, deletes and adds what the next page would have.
func (c *cluster) disturb(ctx context.Context, page int) error {
	if _, err := c.label(ctx, "backup-06", fmt.Sprint(page)); err != nil {
		return err
	}
	if _, err := c.create(ctx, fmt.Sprintf("backup-05-%d", page)); err != nil {
		return err
	}
	if page > 0 {
		return nil
	}
	return c.backups.Delete(ctx, "backup-04", metav1.DeleteOptions{})
}

func asPage(list, whole *unstructured.UnstructuredList, soFar int) error {
	if list.GetResourceVersion() != whole.GetResourceVersion() {
		return fmt.Errorf("it is of %s, the first one of %s", list.GetResourceVersion(), whole.GetResourceVersion())
	}
	rest := int64(len(whole.Items) - soFar)
	switch remaining := list.GetRemainingItemCount(); {
	case rest == 0 && (remaining != nil || list.GetContinue() != ""):
		return errors.New("it is the last one and does not say so")
	case rest > 0 && (remaining == nil || *remaining != rest || len(list.Items) != 3):
		return fmt.Errorf("%d objects and %v remaining, instead of 3 and %d", len(list.Items), remaining, rest)
	}
	return nil
}

// refusesTokens gives it tokens that it has not made.
func refusesTokens(ctx context.Context, c *cluster) (string, error) {
	for _, token := range []string{"garbage", "e30", "bm90IGpzb24", "\u00e9"} {
		_, err := c.backups.List(ctx, metav1.ListOptions{Limit: 1, Continue: token})
		if !apierrors.IsBadRequest(err) {
			return "", fmt.Errorf("token %q: not 400 but %v", token, err)
		}
	}
	return "", nil
}
