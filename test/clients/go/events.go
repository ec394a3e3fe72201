package main

import (
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
)

// events are the changes that watches delivered, in order.
type events struct {
	mutex  sync.Mutex
	lines  []string
	opened int
	// Whether the newest watch has delivered something.
	fresh bool
}

// follow writes down what a watch delivers, and hands it on.
func (e *events) follow(w watch.Interface) watch.Interface {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.opened++
	e.fresh = false
	number := e.opened
	return watch.Filter(w, func(event watch.Event) (watch.Event, bool) {
		if event.Type != watch.Bookmark {
			e.add(number, event)
		}
		return event, true
	})
}

func (e *events) add(number int, event watch.Event) {
	line := fmt.Sprintf("%s %v", event.Type, event.Object)
	if object, err := meta.Accessor(event.Object); err == nil {
		line = fmt.Sprintf("%s %s %s", event.Type, object.GetName(), object.GetResourceVersion())
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.lines = append(e.lines, line)
	e.fresh = e.fresh || number == e.opened
}

// all answers them, and how many watches they came from.
func (e *events) all() ([]string, int) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return append([]string(nil), e.lines...), e.opened
}

// upTo answers those up to one that has come: what comes behind it need not have come over every watch yet.
func (e *events) upTo(line string) []string {
	lines, _ := e.all()
	return lines[:slices.Index(lines, line)+1]
}

func (e *events) forget() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.lines, e.fresh = nil, false
}

// freshAfter is whether a watch that was opened after `before` others has delivered something.
func (e *events) freshAfter(before int) bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.opened > before && e.fresh
}
