// Command manager proves that a controller that is written with controller-runtime works on Backups as on any kind: it reads from a
// cache, owns ConfigMaps, patches statuses, and rests when there is nothing to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"kylon.io/clients/checks"
	"kylon.io/clients/go/backup"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// scene is a namespace with a manager in it, and a client that does not read from the manager's cache.
type scene struct {
	client     client.Client
	namespace  string
	reconciler *reconciler
	failed     chan error
}

// The argument is a kubeconfig.
func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := open(ctx, config)
	if err != nil {
		panic(err)
	}
	checks.Run(30*time.Second, []checks.Check{
		{Name: "A41 it reconciles: an owned ConfigMap, and a patch of the status", Run: s.reconciles},
		{Name: "A41 it rests when there is nothing to do", Run: s.rests},
		{Name: "A41 what it owns comes back", Run: s.owns},
		{Name: "A41 a change of the spec reaches it", Run: s.followsSpec},
		{Name: "A41 what it owns goes with the Backup", Run: s.collected},
	})
	stop()
	err = <-s.failed
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if err := errors.Join(err, s.client.Delete(context.Background(), namespace)); err != nil {
		panic(err)
	}
}

func open(ctx context.Context, config *rest.Config) (*scene, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), backup.AddTo(scheme)); err != nil {
		return nil, err
	}
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "kylon-clients-manager-"}}
	if err := direct.Create(ctx, namespace); err != nil {
		return nil, err
	}
	s := &scene{client: direct, namespace: namespace.Name, reconciler: &reconciler{}, failed: make(chan error, 1)}
	manager, err := newManager(config, scheme, s.namespace, s.reconciler)
	if err != nil {
		return nil, err
	}
	go func() { s.failed <- manager.Start(ctx) }()
	return s, nil
}

func (s *scene) backup(ctx context.Context) (*backup.Backup, error) {
	found := &backup.Backup{}
	return found, s.client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, found)
}

func (s *scene) configMap(ctx context.Context) (*corev1.ConfigMap, error) {
	found := &corev1.ConfigMap{}
	return found, s.client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, found)
}

const name = "managed"

func (s *scene) reconciles(ctx context.Context) (string, error) {
	made := &backup.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec:       backup.Spec{IncludedResources: []string{"secrets"}, TTL: "1h"},
	}
	if err := s.client.Create(ctx, made); err != nil {
		return "", err
	}
	return "", checks.Until(ctx, "the ConfigMap is made and the status patched", func() bool {
		now, err := s.backup(ctx)
		owned, notYet := s.configMap(ctx)
		return errors.Join(err, notYet) == nil && owned.Data["ttl"] == "1h" && metav1.IsControlledBy(owned, now) &&
			now.Status.Phase == "Completed" && meta.IsStatusConditionTrue(now.Status.Conditions, condition)
	})
}

// rests shows that a patch without effect makes no new version, and so no event, and no end of reconciling.
func (s *scene) rests(ctx context.Context) (string, error) {
	time.Sleep(2 * time.Second)
	before, err := s.backup(ctx)
	if err != nil {
		return "", err
	}
	runs, patches := s.reconciler.runs.Load(), s.reconciler.patches.Load()
	time.Sleep(3 * time.Second)
	if more := s.reconciler.runs.Load() - runs; more != 0 {
		return "", fmt.Errorf("it has reconciled %d times more within 3 s", more)
	}
	after, err := s.backup(ctx)
	if err != nil {
		return "", err
	}
	if after.ResourceVersion != before.ResourceVersion {
		return "", fmt.Errorf("the Backup has changed from %s to %s", before.ResourceVersion, after.ResourceVersion)
	}
	if patches < 2 {
		return "", fmt.Errorf("there was no patch without effect: %d in all", patches)
	}
	return fmt.Sprintf("%d runs, %d patches in all", runs, patches), nil
}

func (s *scene) owns(ctx context.Context) (string, error) {
	first, err := s.configMap(ctx)
	if err != nil {
		return "", err
	}
	if err := s.client.Delete(ctx, first); err != nil {
		return "", err
	}
	return "", checks.Until(ctx, "there is another ConfigMap", func() bool {
		now, err := s.configMap(ctx)
		return err == nil && now.UID != first.UID
	})
}

func (s *scene) followsSpec(ctx context.Context) (string, error) {
	now, err := s.backup(ctx)
	if err != nil {
		return "", err
	}
	now.Spec.TTL = "2h"
	if err := s.client.Update(ctx, now); err != nil {
		return "", err
	}
	return "", checks.Until(ctx, "the ConfigMap says 2h", func() bool {
		owned, err := s.configMap(ctx)
		return err == nil && owned.Data["ttl"] == "2h"
	})
}

func (s *scene) collected(ctx context.Context) (string, error) {
	now, err := s.backup(ctx)
	if err != nil {
		return "", err
	}
	if err := s.client.Delete(ctx, now); err != nil {
		return "", err
	}
	return "", checks.Until(ctx, "the garbage collector has taken the ConfigMap", func() bool {
		_, err := s.configMap(ctx)
		return apierrors.IsNotFound(err)
	})
}
