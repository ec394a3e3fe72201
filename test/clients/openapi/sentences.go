package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
)

// sentence is what `kubectl explain` shows: at least two words, from a capital or a word of the API to a full stop.
var sentence = regexp.MustCompile(`^\S+ .*\S\.$`)

// sentences finds what is described by less than a sentence, in either document.
func (d documents) sentences(context.Context) (string, error) {
	v2, err := d.swagger("own-v2.json")
	if err != nil {
		return "", err
	}
	v3, err := d.ownV3()
	if err != nil {
		return "", err
	}
	found := &described{}
	for name, definition := range v2.Definitions {
		found.schema("v2 "+name, &definition)
	}
	for name, definition := range v3.Components.Schemas {
		found.schema("v3 "+name, definition)
	}
	for path, item := range v2.Paths.Paths {
		found.operations(path, item)
	}
	slices.Sort(found.bare)
	return fmt.Sprintf("%d descriptions", found.count), errors.Join(found.faults()...)
}

// described counts what has a sentence, and names what has none.
type described struct {
	count int
	bare  []string
}

func (d *described) faults() []error {
	faults := []error{}
	for _, place := range d.bare {
		faults = append(faults, errors.New(place))
	}
	return faults
}

func (d *described) text(place, description string) {
	d.count++
	if !sentence.MatchString(description) || description[:1] != strings.ToUpper(description[:1]) {
		d.bare = append(d.bare, fmt.Sprintf("%s: %q", place, description))
	}
}

// schema looks at a definition or a field, and at all that lies in it.
func (d *described) schema(place string, schema *spec.Schema) {
	d.text(place, schema.Description)
	for name, field := range schema.Properties {
		d.schema(place+"."+name, &field)
	}
	if schema.Items != nil && schema.Items.Schema != nil && schema.Items.Schema.Ref.String() == "" {
		d.schema(place+"[]", schema.Items.Schema)
	}
	if values := schema.AdditionalProperties; values != nil && values.Schema != nil && values.Schema.Ref.String() == "" {
		d.schema(place+"{}", values.Schema)
	}
}

func (d *described) operations(path string, item spec.PathItem) {
	for _, parameter := range item.Parameters {
		d.text(path+" parameter "+parameter.Name, parameter.Description)
	}
	operations := map[string]*spec.Operation{"get": item.Get, "put": item.Put, "post": item.Post, "delete": item.Delete, "patch": item.Patch}
	for method, operation := range operations {
		if operation == nil {
			continue
		}
		d.text(method+" "+path, operation.Description)
		for _, parameter := range operation.Parameters {
			if parameter.In != "body" {
				d.text(method+" "+path+" parameter "+parameter.Name, parameter.Description)
			}
		}
	}
}

// references follows every $ref of both documents.
func (d documents) references(context.Context) (string, error) {
	count := 0
	for name, prefix := range map[string]string{"own-v2.json": "#/definitions/", "own-v3.json": "#/components/schemas/"} {
		content, err := d.read(name)
		if err != nil {
			return "", err
		}
		defined, err := d.defined(name)
		if err != nil {
			return "", err
		}
		for _, reference := range regexp.MustCompile(`"\$ref": ?"([^"]*)"`).FindAllSubmatch(content, -1) {
			count++
			target, local := strings.CutPrefix(string(reference[1]), prefix)
			if !local || !slices.Contains(defined, target) {
				return "", fmt.Errorf("%s: %s leads nowhere", name, reference[1])
			}
		}
	}
	if count == 0 {
		return "", errors.New("there is no reference")
	}
	return fmt.Sprintf("%d references", count), nil
}

func (d documents) defined(name string) ([]string, error) {
	var names []string
	if name == "own-v3.json" {
		document, err := d.ownV3()
		if err != nil {
			return nil, err
		}
		for key := range document.Components.Schemas {
			names = append(names, key)
		}
		return names, nil
	}
	document, err := d.swagger(name)
	if err != nil {
		return nil, err
	}
	for key := range document.Definitions {
		names = append(names, key)
	}
	return names, nil
}
