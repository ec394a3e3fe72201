package main

import (
	"context"
	"fmt"

	"kylon.io/clients/go/backup"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
)

// metadataOnly lists, watches, patches and deletes by a client that knows of metadata alone, as the garbage collector does.
func metadataOnly(ctx context.Context, c *cluster) (string, error) {
	if err := c.createDone(ctx, 3); err != nil {
		return "", err
	}
	client, err := metadata.NewForConfig(c.config)
	if err != nil {
		return "", err
	}
	backups := client.Resource(backup.Resource).Namespace(c.namespace)
	list, err := backups.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	if len(list.Items) != 3 || list.Items[0].Name != "backup-00" || list.Items[0].UID == "" {
		return "", fmt.Errorf("the list is %+v", list)
	}
	w, err := backups.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		return "", err
	}
	defer w.Stop()
	patched, err := backups.Patch(ctx, "backup-00", types.MergePatchType, []byte(`{"metadata":{"labels":{"changed":"yes"}}}`), metav1.PatchOptions{})
	if err != nil {
		return "", err
	}
	if err := next(ctx, w, watch.Modified, patched.ResourceVersion); err != nil {
		return "", err
	}
	return deletesAsMeant(ctx, backups, patched)
}

func next(ctx context.Context, w watch.Interface, want watch.EventType, resourceVersion string) error {
	select {
	case event := <-w.ResultChan():
		got, ok := event.Object.(*metav1.PartialObjectMetadata)
		if !ok || event.Type != want || got.ResourceVersion != resourceVersion {
			return fmt.Errorf("the watch delivers %s %+v instead of %s at %s", event.Type, event.Object, want, resourceVersion)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deletesAsMeant deletes only the object that the client has seen: the garbage collector trusts in it.
func deletesAsMeant(ctx context.Context, backups metadata.ResourceInterface, now *metav1.PartialObjectMetadata) (string, error) {
	other, old := types.UID("another"), "1"
	for _, wrong := range []metav1.Preconditions{{UID: &other}, {ResourceVersion: &old}} {
		err := backups.Delete(ctx, now.Name, metav1.DeleteOptions{Preconditions: &wrong})
		if !apierrors.IsConflict(err) {
			return "", fmt.Errorf("delete with wrong preconditions: not 409 but %v", err)
		}
	}
	right := metav1.Preconditions{UID: &now.UID, ResourceVersion: &now.ResourceVersion}
	if err := backups.Delete(ctx, now.Name, metav1.DeleteOptions{Preconditions: &right}); err != nil {
		return "", err
	}
	return "", untilGone(ctx, backups, now.Name)
}

func untilGone(ctx context.Context, backups metadata.ResourceInterface, name string) error {
	w, err := backups.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return err
	}
	defer w.Stop()
	for {
		if _, err := backups.Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return nil
		}
		select {
		case <-w.ResultChan():
		case <-ctx.Done():
			return fmt.Errorf("%s is still there: %w", name, ctx.Err())
		}
	}
}
