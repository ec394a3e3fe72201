package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

const (
	writers    = 20
	increments = 20
	counter    = "example.test/counter"
)

// counts lets many writers count up in one object.
func counts(ctx context.Context, c *cluster) (string, error) {
	if err := c.createDone(ctx, 1); err != nil {
		return "", err
	}
	var conflicts atomic.Int64
	failures := make([]error, writers)
	var all sync.WaitGroup
	for writer := range writers {
		all.Add(1)
		go func() {
			defer all.Done()
			for range increments {
				failures[writer] = errors.Join(failures[writer], c.increment(ctx, &conflicts))
			}
		}()
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return "", err
	}
	now, err := c.backups.Get(ctx, "backup-00", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if sum := now.GetAnnotations()[counter]; sum != strconv.Itoa(writers*increments) {
		return "", fmt.Errorf("the sum is %s instead of %d", sum, writers*increments)
	}
	if conflicts.Load() == 0 {
		return "", errors.New("there was no conflict: it shows nothing")
	}
	return fmt.Sprintf("%d conflicts", conflicts.Load()), nil
}

// increment tries as client-go proposes it, and where that is not enough among so many, again.
func (c *cluster) increment(ctx context.Context, conflicts *atomic.Int64) error {
	err := c.tryIncrement(ctx, conflicts)
	for apierrors.IsConflict(err) {
		err = c.tryIncrement(ctx, conflicts)
	}
	return err
}

func (c *cluster) tryIncrement(ctx context.Context, conflicts *atomic.Int64) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		now, err := c.backups.Get(ctx, "backup-00", metav1.GetOptions{})
		if err != nil {
			return err
		}
		before, _ := strconv.Atoi(now.GetAnnotations()[counter])
		now.SetAnnotations(map[string]string{counter: strconv.Itoa(before + 1)})
		_, err = c.backups.Update(ctx, now, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			conflicts.Add(1)
		}
		return err
	})
}
