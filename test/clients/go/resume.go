package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kylon.io/clients/checks"
	"kylon.io/clients/go/backup"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const cuts = 20

// resumes cuts the connection of a reflector again and again while objects change, and compares all that it got with what a watch
// got that nobody cut.
func resumes(ctx context.Context, c *cluster) (string, error) {
	if err := c.createDone(ctx, 5); err != nil {
		return "", err
	}
	cutter, through, err := newCutter(c.config)
	if err != nil {
		return "", err
	}
	defer cutter.close()
	asked, got := &requests{}, &events{}
	informer, err := followedInformer(asked.on(through), c.namespace, got)
	if err != nil {
		return "", err
	}
	if _, err := started(ctx, informer); err != nil {
		return "", err
	}
	got.forget()
	uncut, err := c.uncut(ctx)
	if err != nil {
		return "", err
	}
	if err := c.cutWhileWriting(ctx, cutter, got); err != nil {
		return "", err
	}
	if err := c.sameEvents(ctx, got, uncut); err != nil {
		return "", err
	}
	if lists := asked.count(isWatchList) + asked.count(isList); lists != 1 {
		return "", fmt.Errorf("it has listed %d times: it did not resume", lists)
	}
	err = soonHolds(ctx, informer, func(ctx context.Context) (runtime.Object, error) { return c.backups.List(ctx, metav1.ListOptions{}) })
	lines, watches := got.all()
	return fmt.Sprintf("%d events over %d watches", len(lines), watches), err
}

func followedInformer(config *rest.Config, namespace string, into *events) (cache.SharedIndexInformer, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	backups := client.Resource(backup.Resource).Namespace(namespace)
	return cache.NewSharedIndexInformer(&cache.ListWatch{
		ListFunc: func(options metav1.ListOptions) (runtime.Object, error) {
			return backups.List(context.Background(), options)
		},
		WatchFunc: func(options metav1.ListOptions) (watch.Interface, error) {
			w, err := backups.Watch(context.Background(), options)
			if err != nil {
				return nil, err
			}
			return into.follow(w), nil
		},
	}, &unstructured.Unstructured{}, 0, cache.Indexers{}), nil
}

// uncut follows all from now on, by a connection of its own.
func (c *cluster) uncut(ctx context.Context) (*events, error) {
	now, err := c.backups.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	w, err := c.backups.Watch(ctx, metav1.ListOptions{ResourceVersion: now.GetResourceVersion()})
	if err != nil {
		return nil, err
	}
	got := &events{}
	followed := got.follow(w)
	go func() {
		for range followed.ResultChan() {
		}
	}()
	return got, nil
}

// cutWhileWriting cuts some time, another each time, after something has come over the watch that followed the last cut.
func (c *cluster) cutWhileWriting(ctx context.Context, cutter *cutter, got *events) error {
	writing, stop := context.WithCancel(ctx)
	written := make(chan error, 1)
	go func() { written <- c.writeUntil(writing) }()
	cut := func() error {
		before := 0
		for i := range cuts {
			if err := checks.Until(ctx, fmt.Sprintf("an event after %d cuts", i), func() bool { return got.freshAfter(before) }); err != nil {
				return err
			}
			time.Sleep(time.Duration(i%4) * 9 * time.Millisecond)
			_, before = got.all()
			if cutter.cut(i%2 == 0) == 0 {
				return fmt.Errorf("cut %d met no connection", i+1)
			}
		}
		return nil
	}
	err := cut()
	stop()
	return errors.Join(err, <-written)
}

// sameEvents waits until Kylon has done its work, and compares both up to a last change.
func (c *cluster) sameEvents(ctx context.Context, got, uncut *events) error {
	quiet := func() bool {
		list, err := c.backups.List(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Completed"})
		return err == nil && len(list.Items) == 0
	}
	if err := checks.Until(ctx, "no Backup is at work", quiet); err != nil {
		return err
	}
	last, err := c.label(ctx, "backup-00", "last")
	if err != nil {
		return err
	}
	end := fmt.Sprintf("%s %s %s", watch.Modified, last.GetName(), last.GetResourceVersion())
	for name, of := range map[string]*events{"cut": got, "uncut": uncut} {
		ended := func() bool {
			lines, _ := of.all()
			return slices.Contains(lines, end)
		}
		if err := checks.Until(ctx, "the last event of what is "+name, ended); err != nil {
			return err
		}
	}
	return firstDifference(got.upTo(end), uncut.upTo(end))
}

func firstDifference(some, all []string) error {
	if len(all) < cuts {
		return fmt.Errorf("only %d events", len(all))
	}
	for i := range max(len(some), len(all)) {
		if i >= len(some) || i >= len(all) || some[i] != all[i] {
			return fmt.Errorf("event %d differs: over cut connections %q, over the other %q", i, some[min(i, len(some)):min(i+3, len(some))], all[min(i, len(all)):min(i+3, len(all))])
		}
	}
	return nil
}

// soonHolds waits for the store of the informer, which takes in what has come over the watch a moment after it came.
func soonHolds(ctx context.Context, informer cache.SharedIndexInformer, list lister) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		_, last = holds(ctx, informer, list)
		return last == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}
