package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	openapi_v3 "github.com/google/gnostic-models/openapiv3"
	"google.golang.org/protobuf/proto"

	"k8s.io/kube-openapi/pkg/aggregator"
	"k8s.io/kube-openapi/pkg/handler"
	"k8s.io/kube-openapi/pkg/handler3"
	"k8s.io/kube-openapi/pkg/schemaconv"
	modelproto "k8s.io/kube-openapi/pkg/util/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

const (
	ownPrefix      = "/apis/backup.kylon.io/v1alpha1/"
	ownDefinitions = "io.kylon."
	protobufV2     = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
)

// merged does what kube-apiserver's aggregator does with the document of an APIService, here as if there were two of them with the same
// definitions. It fails where two have the same path.
func (d documents) merged() (*spec.Swagger, error) {
	theirs, err := d.swagger("theirs-v2.json")
	if err != nil {
		return nil, err
	}
	own, err := d.swagger("own-v2.json")
	if err != nil {
		return nil, err
	}
	for _, prefixes := range [][]string{{ownPrefix + "backups", ownPrefix + "restores", ownPrefix + "snapshots"}, {ownPrefix + "namespaces/"}} {
		part := aggregator.FilterSpecByPathsWithoutSideEffects(own, prefixes)
		if err := aggregator.MergeSpecs(theirs, part); err != nil {
			return nil, err
		}
	}
	return theirs, nil
}

func (d documents) merges(context.Context) (string, error) {
	merged, err := d.merged()
	if err != nil {
		return "", err
	}
	for _, name := range []string{"own-v2.json", "theirs-v2.json"} {
		part, err := d.swagger(name)
		if err != nil {
			return "", err
		}
		for key, definition := range part.Definitions {
			if !reflect.DeepEqual(merged.Definitions[key], definition) {
				return "", fmt.Errorf("the definition %s is not there as it was", key)
			}
		}
		for path, item := range part.Paths.Paths {
			if !reflect.DeepEqual(merged.Paths.Paths[path], item) {
				return "", fmt.Errorf("the path %s is not there as it was", path)
			}
		}
	}
	for name := range merged.Definitions {
		if strings.HasPrefix(name, ownDefinitions) && strings.Contains(name, "_v") {
			return "", fmt.Errorf("%s was renamed", name)
		}
	}
	return fmt.Sprintf("%d definitions, %d paths", len(merged.Definitions), len(merged.Paths.Paths)), nil
}

// protobuf serves the merged document with the handler of kube-apiserver.
func (d documents) protobuf(context.Context) (string, error) {
	merged, err := d.merged()
	if err != nil {
		return "", err
	}
	mux := pathHandler{http.NewServeMux()}
	handler.NewOpenAPIService(merged).RegisterOpenAPIVersionedService("/openapi/v2", mux)
	request := httptest.NewRequest(http.MethodGet, "/openapi/v2", nil)
	request.Header.Set("Accept", protobufV2)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		return "", fmt.Errorf("%d: %s", answer.Code, answer.Body)
	}
	return hasOwn(answer.Body.Bytes())
}

type pathHandler struct{ *http.ServeMux }

func (p pathHandler) HandlePrefix(path string, handler http.Handler) { p.Handle(path, handler) }

// served is what the real kube-apiserver has sent.
func (d documents) served(context.Context) (string, error) {
	content, err := d.read("merged-v2.pb")
	if err != nil {
		return "", err
	}
	return hasOwn(content)
}

func hasOwn(content []byte) (string, error) {
	document := &openapi_v2.Document{}
	if err := proto.Unmarshal(content, document); err != nil {
		return "", err
	}
	own := 0
	for _, definition := range document.GetDefinitions().GetAdditionalProperties() {
		if strings.HasPrefix(definition.GetName(), ownDefinitions) {
			own++
		}
	}
	all := len(document.GetDefinitions().GetAdditionalProperties())
	if own == 0 || own == all {
		return "", fmt.Errorf("%d of %d definitions are Kylon's", own, all)
	}
	return fmt.Sprintf("%d of %d definitions are Kylon's", own, all), nil
}

func (d documents) protobufV3(context.Context) (string, error) {
	document, err := d.ownV3()
	if err != nil {
		return "", err
	}
	encoded, err := document.MarshalJSON()
	if err != nil {
		return "", err
	}
	content, err := handler3.ToV3ProtoBinary(encoded)
	if err != nil {
		return "", err
	}
	decoded := &openapi_v3.Document{}
	if err := proto.Unmarshal(content, decoded); err != nil {
		return "", err
	}
	got, want := len(decoded.GetComponents().GetSchemas().GetAdditionalProperties()), len(document.Components.Schemas)
	if got != want {
		return "", fmt.Errorf("%d schemas instead of %d", got, want)
	}
	return fmt.Sprintf("%d schemas, %d bytes", got, len(content)), nil
}

// models are what kubectl validates with, and what server-side apply merges by.
func (d documents) models(context.Context) (string, error) {
	v2, err := d.read("own-v2.json")
	if err != nil {
		return "", err
	}
	documentV2, err := openapi_v2.ParseDocument(v2)
	if err != nil {
		return "", err
	}
	modelsV2, err := modelproto.NewOpenAPIData(documentV2)
	if err != nil {
		return "", err
	}
	v3, err := d.read("own-v3.json")
	if err != nil {
		return "", err
	}
	documentV3, err := openapi_v3.ParseDocument(v3)
	if err != nil {
		return "", err
	}
	modelsV3, err := modelproto.NewOpenAPIV3Data(documentV3)
	if err != nil {
		return "", err
	}
	for _, models := range []modelproto.Models{modelsV2, modelsV3} {
		if _, err := schemaconv.ToSchema(models); err != nil {
			return "", err
		}
		if models.LookupModel("io.kylon.backup.v1alpha1.Backup") == nil {
			return "", fmt.Errorf("there is no model of a Backup")
		}
	}
	return fmt.Sprintf("%d and %d models", len(modelsV2.ListModels()), len(modelsV3.ListModels())), nil
}
