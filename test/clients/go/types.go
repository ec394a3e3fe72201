package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Clients that decode into a Go type keep kind and apiVersion of what they read as JSON from a list, and drop them of what they read
// from a watch. So client-go's detector ends a program that has such informers, with lists of kube-apiserver's own ConfigMaps as
// PartialObjectMetadata in JSON too. What follows lets it compare the rest.

// withoutType answers an object of a Go type without kind and apiVersion, and all else as it is.
func withoutType(found any) any {
	typed, ok := found.(runtime.Object)
	if _, free := found.(*unstructured.Unstructured); !ok || free {
		return found
	}
	copied := typed.DeepCopyObject()
	copied.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return copied
}

// withoutTypesInProof takes them out of the items of the detector's lists.
func withoutTypesInProof(config *rest.Config) *rest.Config {
	copied := rest.CopyConfig(config)
	copied.Wrap(func(next http.RoundTripper) http.RoundTripper { return typeStripper{next} })
	return copied
}

type typeStripper struct{ next http.RoundTripper }

func (t typeStripper) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusOK || !isProof(request.URL.Query()) {
		return response, err
	}
	defer response.Body.Close()
	var list map[string]any
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return nil, err
	}
	for _, item := range list["items"].([]any) {
		delete(item.(map[string]any), "kind")
		delete(item.(map[string]any), "apiVersion")
	}
	stripped, err := json.Marshal(list)
	response.Body = io.NopCloser(bytes.NewReader(stripped))
	response.ContentLength = int64(len(stripped))
	return response, err
}
