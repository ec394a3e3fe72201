package main

import (
	"context"
	"sync/atomic"

	"kylon.io/clients/go/backup"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// condition is one that Kylon does not know.
const condition = "Managed"

// A reconciler keeps, beside each Backup that is done, a ConfigMap that says how long it is kept.
type reconciler struct {
	client        client.Client
	runs, patches atomic.Int64
}

func newManager(config *rest.Config, scheme *runtime.Scheme, namespace string, r *reconciler) (manager.Manager, error) {
	made, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		return nil, err
	}
	r.client = made.GetClient()
	return made, ctrl.NewControllerManagedBy(made).For(&backup.Backup{}).Owns(&corev1.ConfigMap{}).Complete(r)
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	r.runs.Add(1)
	found := &backup.Backup{}
	if err := r.client.Get(ctx, request.NamespacedName, found); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if found.Status.Phase != "Completed" {
		return ctrl.Result{}, nil
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: found.Namespace, Name: found.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.client, owned, func() error {
		owned.Data = map[string]string{"ttl": found.Spec.TTL}
		return controllerutil.SetControllerReference(found, owned, r.client.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	before := found.DeepCopy()
	meta.SetStatusCondition(&found.Status.Conditions, metav1.Condition{
		Type: condition, Status: metav1.ConditionTrue, ObservedGeneration: found.Generation, Reason: "Written", Message: "Its ConfigMap is there.",
	})
	r.patches.Add(1)
	return ctrl.Result{}, r.client.Status().Patch(ctx, found, client.MergeFrom(before))
}
