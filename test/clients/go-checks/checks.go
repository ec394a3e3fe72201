// Package checks runs what a program proves, and says of each check in one line of JSON what came of it.
package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// A Check answers what it has seen, in a few words, or what is wrong.
type Check struct {
	Name string
	Run  func(context.Context) (string, error)
}

type result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Run gives each check the time limit. It does not end at one that fails: the reader of the lines judges.
func Run(limit time.Duration, all []Check) {
	lines := json.NewEncoder(os.Stdout)
	for _, check := range all {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		detail, err := check.Run(ctx)
		cancel()
		if err != nil {
			detail = err.Error()
		}
		if err := lines.Encode(result{Name: check.Name, OK: err == nil, Detail: detail}); err != nil {
			panic(err)
		}
	}
}

// Until looks until `seen` is true.
func Until(ctx context.Context, what string, seen func() bool) error {
	for !seen() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("time is up, and not yet: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// Within is Until with a limit of its own.
func Within(ctx context.Context, limit time.Duration, what string, seen func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return Until(ctx, what, seen)
}
