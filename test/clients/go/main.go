// Command go proves that client-go cannot tell Kylon's API from a native one. It is built with several versions of client-go; the
// environment says how its informers begin.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"kylon.io/clients/checks"

	"k8s.io/client-go/tools/clientcmd"
)

// The arguments are a kubeconfig, and whether client-go was told to use WatchList. What has no informer is checked without only.
func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		panic(err)
	}
	config.QPS = -1
	watchList := os.Args[2] == "true"
	var all []checks.Check
	add := func(name string, run func(context.Context, *cluster) (string, error)) {
		all = append(all, checks.Check{Name: name, Run: inNamespace(config, run)})
	}
	for _, source := range sources {
		for _, count := range []int{0, 12} {
			add(fmt.Sprintf("A37 a %s informer of %d objects", source.name, count), source.informs(count, watchList))
		}
	}
	add("A37 informers that start while objects change", startsAmongWrites)
	add("A38 a reflector whose connection is cut 20 times", resumes)
	if !watchList {
		add("A39 lists at a resourceVersion", listsAtVersions)
		add("A39 a list in the future", listsInFuture)
		add("A39 a list in pieces", listsInPieces)
		add("A39 tokens that are none", refusesTokens)
		add("A40 20 writers with RetryOnConflict", counts)
		add("the metadata client: list, watch, patch, delete with preconditions", metadataOnly)
	}
	checks.Run(3*time.Minute, all)
}
