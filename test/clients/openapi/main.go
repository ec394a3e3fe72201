// Command openapi passes Kylon's documents of OpenAPI through the libraries with which kube-apiserver merges and serves them, and
// with which clients read them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"kylon.io/clients/checks"

	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// documents are those of one moment: Kylon's own, that of kube-apiserver when Kylon was not there, and what it made of both.
type documents struct {
	folder string
}

func main() {
	d := documents{os.Args[1]}
	checks.Run(time.Minute, []checks.Check{
		{Name: "v2 is the same after decoding and encoding", Run: d.roundTripV2},
		{Name: "v3 is the same after decoding and encoding", Run: d.roundTripV3},
		{Name: "every reference leads to a definition", Run: d.references},
		{Name: "v2 merges with kube-apiserver's own, and nothing is renamed or changed", Run: d.merges},
		{Name: "v2, merged, is served as protobuf", Run: d.protobuf},
		{Name: "v3 is served as protobuf", Run: d.protobufV3},
		{Name: "kube-apiserver itself serves the merged v2 as protobuf", Run: d.served},
		{Name: "clients make models of v2 and of v3", Run: d.models},
		{Name: "every definition, field and parameter has a sentence", Run: d.sentences},
	})
}

func (d documents) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(d.folder, name))
}

func (d documents) swagger(name string) (*spec.Swagger, error) {
	content, err := d.read(name)
	if err != nil {
		return nil, err
	}
	swagger := &spec.Swagger{}
	return swagger, swagger.UnmarshalJSON(content)
}

func (d documents) ownV3() (*spec3.OpenAPI, error) {
	content, err := d.read("own-v3.json")
	if err != nil {
		return nil, err
	}
	document := &spec3.OpenAPI{}
	return document, document.UnmarshalJSON(content)
}

func (d documents) roundTripV2(context.Context) (string, error) {
	content, err := d.read("own-v2.json")
	if err != nil {
		return "", err
	}
	return unchanged(content, func() *spec.Swagger { return &spec.Swagger{} })
}

func (d documents) roundTripV3(context.Context) (string, error) {
	content, err := d.read("own-v3.json")
	if err != nil {
		return "", err
	}
	return unchanged(content, func() *spec3.OpenAPI { return &spec3.OpenAPI{} })
}

// unchanged shows that the library understands all that the document says: what it does not know it would drop.
func unchanged[T json.Unmarshaler](content []byte, empty func() T) (string, error) {
	document := empty()
	if err := document.UnmarshalJSON(content); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		return "", err
	}
	var sent, kept any
	if err := json.Unmarshal(content, &sent); err != nil {
		return "", err
	}
	if err := json.Unmarshal(encoded, &kept); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes", len(content)), lost("", sent, kept)
}

// lost finds the first place where the encoded document differs from the one that was sent.
func lost(path string, sent, kept any) error {
	one, isObject := sent.(map[string]any)
	other, _ := kept.(map[string]any)
	if isObject {
		for key, value := range one {
			if err := lost(path+"/"+key, value, other[key]); err != nil {
				return err
			}
		}
	}
	list, isList := sent.([]any)
	others, _ := kept.([]any)
	if isList && len(list) == len(others) {
		for i := range list {
			if err := lost(fmt.Sprintf("%s/%d", path, i), list[i], others[i]); err != nil {
				return err
			}
		}
	}
	if !reflect.DeepEqual(sent, kept) {
		return fmt.Errorf("%s: %v has become %v", path, sent, kept)
	}
	return nil
}
