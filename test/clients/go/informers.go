package main

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"kylon.io/clients/checks"
	"kylon.io/clients/go/backup"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// A source makes informers of one kind of client, and lists with the same client.
type source struct {
	name string
	open func(config *rest.Config, namespace string) (cache.SharedIndexInformer, lister, error)
}

type lister func(context.Context) (runtime.Object, error)

var sources = []source{{"dynamic", openDynamic}, {"metadata", openMetadata}, {"typed", openTyped}}

func openDynamic(config *rest.Config, namespace string) (cache.SharedIndexInformer, lister, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace, nil)
	list := func(ctx context.Context) (runtime.Object, error) {
		return client.Resource(backup.Resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	}
	return factory.ForResource(backup.Resource).Informer(), list, nil
}

func openMetadata(config *rest.Config, namespace string) (cache.SharedIndexInformer, lister, error) {
	client, err := metadata.NewForConfig(withoutTypesInProof(config))
	if err != nil {
		return nil, nil, err
	}
	factory := metadatainformer.NewFilteredSharedInformerFactory(client, 0, namespace, nil)
	list := func(ctx context.Context) (runtime.Object, error) {
		return client.Resource(backup.Resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	}
	return factory.ForResource(backup.Resource).Informer(), list, nil
}

func openTyped(config *rest.Config, namespace string) (cache.SharedIndexInformer, lister, error) {
	client, err := backup.NewClient(withoutTypesInProof(config))
	if err != nil {
		return nil, nil, err
	}
	watcher := cache.NewListWatchFromClient(client, backup.Resource.Resource, namespace, fields.Everything())
	list := func(ctx context.Context) (runtime.Object, error) {
		return client.Get().Namespace(namespace).Resource(backup.Resource.Resource).Do(ctx).Get()
	}
	return cache.NewSharedIndexInformer(watcher, &backup.Backup{}, 0, cache.Indexers{}), list, nil
}

// started runs an informer until the context ends, and answers how long it took to sync.
func started(ctx context.Context, informer cache.SharedIndexInformer) (time.Duration, error) {
	begin := time.Now()
	go informer.Run(ctx.Done())
	err := checks.Within(ctx, 2*time.Second, "the informer has synced", informer.HasSynced)
	return time.Since(begin), err
}

// informs shows an informer of a namespace with `count` Backups that it holds what a list has, and hears of changes.
func (s source) informs(count int, watchList bool) func(context.Context, *cluster) (string, error) {
	return func(ctx context.Context, c *cluster) (string, error) {
		if err := c.createDone(ctx, count); err != nil {
			return "", err
		}
		asked := &requests{}
		informer, list, err := s.open(asked.on(c.config), c.namespace)
		if err != nil {
			return "", err
		}
		took, err := started(ctx, informer)
		if err != nil {
			return "", err
		}
		if err := asked.asExpected(watchList); err != nil {
			return "", err
		}
		held, err := holds(ctx, informer, list)
		if err != nil {
			return "", err
		}
		if held != count {
			return "", fmt.Errorf("%d objects instead of %d", held, count)
		}
		return fmt.Sprintf("synced %d objects in %v", count, took.Round(time.Millisecond)), c.hears(ctx, informer)
	}
}

// asExpected shows that the informer has begun in the way that this run is about, and did not fall back to the other.
func (r *requests) asExpected(watchList bool) error {
	want := [3]int{0, 1, 0}
	if watchList {
		want = [3]int{1, 0, 1}
	}
	if got := [3]int{r.count(isWatchList), r.count(isList), r.count(isProof)}; got != want {
		return fmt.Errorf("WatchLists, lists and lists of the detector: %v instead of %v", got, want)
	}
	return nil
}

// holds compares an informer with a list, and answers how many objects both have.
func holds(ctx context.Context, informer cache.SharedIndexInformer, list lister) (int, error) {
	listed, err := list(ctx)
	if err != nil {
		return 0, err
	}
	items, err := meta.ExtractList(listed)
	if err != nil {
		return 0, err
	}
	if held := len(informer.GetStore().ListKeys()); held != len(items) {
		return 0, fmt.Errorf("%d objects held, %d listed", held, len(items))
	}
	for _, item := range items {
		key, err := cache.MetaNamespaceKeyFunc(item)
		if err != nil {
			return 0, err
		}
		if found, _, _ := informer.GetStore().GetByKey(key); !reflect.DeepEqual(withoutType(found), withoutType(item)) {
			return 0, fmt.Errorf("%s: the informer holds\n%v\nthe list has\n%v", key, found, item)
		}
	}
	return len(items), nil
}

// hears shows it a creation, a change and a deletion.
func (c *cluster) hears(ctx context.Context, informer cache.SharedIndexInformer) error {
	key := c.namespace + "/heard"
	held := func(is func(metav1.Object) bool) func() bool {
		return func() bool {
			found, exists, _ := informer.GetStore().GetByKey(key)
			return exists && is(found.(metav1.Object))
		}
	}
	if _, err := c.create(ctx, "heard"); err != nil {
		return err
	}
	if err := checks.Within(ctx, 2*time.Second, "the informer holds what was created", held(func(metav1.Object) bool { return true })); err != nil {
		return err
	}
	if _, err := c.label(ctx, "heard", "yes"); err != nil {
		return err
	}
	labelled := held(func(found metav1.Object) bool { return found.GetLabels()["changed"] == "yes" })
	if err := checks.Within(ctx, 2*time.Second, "the informer holds what was changed", labelled); err != nil {
		return err
	}
	if err := c.backups.Delete(ctx, "heard", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return checks.Within(ctx, 5*time.Second, "the informer has lost what was deleted", func() bool {
		_, exists, _ := informer.GetStore().GetByKey(key)
		return !exists
	})
}

// startsAmongWrites starts informers while objects change: where it has a WatchList, client-go's detector ends the program at a
// difference.
func startsAmongWrites(ctx context.Context, c *cluster) (string, error) {
	if err := c.createDone(ctx, 5); err != nil {
		return "", err
	}
	writing, stop := context.WithCancel(ctx)
	written := make(chan error, 1)
	go func() { written <- c.writeUntil(writing) }()
	const starts = 10
	var slowest time.Duration
	for i := range starts * len(sources) {
		informer, _, err := sources[i%len(sources)].open(c.config, c.namespace)
		if err != nil {
			stop()
			return "", err
		}
		took, err := started(writing, informer)
		if err != nil {
			stop()
			return "", err
		}
		slowest = max(slowest, took)
	}
	stop()
	return fmt.Sprintf("%d informers, the slowest synced in %v", starts*len(sources), slowest.Round(time.Millisecond)), <-written
}

// writeUntil changes the Backups of createDone, makes others and deletes them, until the context ends.
func (c *cluster) writeUntil(ctx context.Context) error {
	for i := 0; ctx.Err() == nil; i++ {
		if err := c.writeRound(ctx, i); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (c *cluster) writeRound(ctx context.Context, i int) error {
	if _, err := c.create(ctx, fmt.Sprintf("passing-%d", i)); err != nil {
		return err
	}
	for n := range 5 {
		if _, err := c.label(ctx, fmt.Sprintf("backup-%02d", n), fmt.Sprint(i)); err != nil {
			return err
		}
	}
	return c.backups.Delete(ctx, fmt.Sprintf("passing-%d", i), metav1.DeleteOptions{})
}
