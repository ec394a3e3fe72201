package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"kylon.io/clients/checks"
	"kylon.io/clients/go/backup"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// A cluster is one that Kylon serves in, and the namespace where the checks write.
type cluster struct {
	config    *rest.Config
	namespace string
	backups   dynamic.ResourceInterface
}

func newCluster(config *rest.Config, namespace string) (*cluster, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &cluster{config, namespace, client.Resource(backup.Resource).Namespace(namespace)}, nil
}

// inNamespace makes a namespace, runs the check in it, and takes it away again.
func inNamespace(config *rest.Config, check func(context.Context, *cluster) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return "", err
		}
		namespaces := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
		made, err := namespaces.Create(ctx, object("v1", "Namespace", map[string]any{"generateName": "kylon-clients-go-"}), metav1.CreateOptions{})
		if err != nil {
			return "", err
		}
		c, err := newCluster(config, made.GetName())
		if err != nil {
			return "", err
		}
		defer func() {
			_ = c.backups.DeleteCollection(context.Background(), metav1.DeleteOptions{}, metav1.ListOptions{})
			_ = namespaces.Delete(context.Background(), c.namespace, metav1.DeleteOptions{})
		}()
		return check(ctx, c)
	}
}

func object(apiVersion, kind string, metadata map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}}
}

// create makes a Backup that is quickly done.
func (c *cluster) create(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	made := object(backup.GroupVersion.String(), backup.Kind.Kind, map[string]any{"name": name})
	made.Object["spec"] = map[string]any{"includedResources": []any{"configmaps"}}
	return c.backups.Create(ctx, made, metav1.CreateOptions{})
}

// createDone makes Backups, and waits until Kylon changes them no more.
func (c *cluster) createDone(ctx context.Context, count int) error {
	for i := range count {
		if _, err := c.create(ctx, fmt.Sprintf("backup-%02d", i)); err != nil {
			return err
		}
	}
	return checks.Until(ctx, "every Backup is Completed", func() bool {
		list, err := c.backups.List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Completed"})
		return err == nil && len(list.Items) == count
	})
}

// label changes one label, and answers the object then.
func (c *cluster) label(ctx context.Context, name, value string) (*unstructured.Unstructured, error) {
	patch := fmt.Sprintf(`{"metadata":{"labels":{"changed":%q}}}`, value)
	return c.backups.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
}

// requests keeps the queries of collections that a client asks for.
type requests struct {
	mutex   sync.Mutex
	queries []url.Values
}

// on is a copy of a config whose requests are kept here.
func (r *requests) on(config *rest.Config) *rest.Config {
	copied := rest.CopyConfig(config)
	copied.Wrap(func(next http.RoundTripper) http.RoundTripper { return recorder{r, next} })
	return copied
}

// count answers how many of them `matches`.
func (r *requests) count(matches func(url.Values) bool) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	count := 0
	for _, query := range r.queries {
		if matches(query) {
			count++
		}
	}
	return count
}

type recorder struct {
	requests *requests
	next     http.RoundTripper
}

func (r recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.requests.mutex.Lock()
	r.requests.queries = append(r.requests.queries, request.URL.Query())
	r.requests.mutex.Unlock()
	return r.next.RoundTrip(request)
}

func isWatch(query url.Values) bool { return query.Get("watch") != "" }
func isWatchList(query url.Values) bool {
	return isWatch(query) && query.Get("sendInitialEvents") == "true"
}
func isList(query url.Values) bool { return !isWatch(query) && !isProof(query) }

// isProof is the list with which client-go's detector compares what a WatchList gave.
func isProof(query url.Values) bool {
	return !isWatch(query) && query.Get("resourceVersionMatch") == string(metav1.ResourceVersionMatchExact)
}
