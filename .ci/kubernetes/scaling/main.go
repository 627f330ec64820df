// Command scaling plays what the ScaledObject of the production overlay does when a group meets an evening peak, an outage
// of the platform and the like. Its formula is compiled and evaluated by the library that KEDA has for it, and its behaviour is followed as the
// HorizontalPodAutoscaler follows it; the group is a model. The test of this package says what must come of it, and
// this draws it. From a checkout:
//
//	go -C .ci/kubernetes run ./scaling -o "$PWD/deploy/kubernetes/scaling.svg"
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	file := flag.String("o", "scaling.svg", "`file` for the drawing")
	flag.Parse()
	if err := run(*file); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(2)
	}
}

func run(file string) error {
	spec, err := readSpec()
	if err != nil {
		return err
	}
	var plays []*play
	for _, s := range scenarios {
		p, err := playOut(s, spec)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		plays = append(plays, p)
	}
	return drawTo(file, plays)
}
