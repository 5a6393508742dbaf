// Command custompolicy asks of two flush policies of its own whether they are safe:
// every interleaving of the founding race is run under each.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// everyEighth flushes when eight entries wait, whoever holds what.
var everyEighth = batch.PolicyFunc("every-eighth", func(_ batch.Reason, s batch.State) bool {
	return s.Pending >= 8
})

// eighthOrUnlock does so too, and before the PTE page lock drops.
var eighthOrUnlock = batch.PolicyFunc("eighth-or-unlock", func(ev batch.Reason, s batch.State) bool {
	return s.Pending >= 8 || ev == batch.OnUnlock || ev == batch.OnAdd && !s.Lazy
})

func main() { run(os.Stdout) }

func run(w io.Writer) {
	for _, p := range []batch.Policy{everyEighth, eighthOrUnlock} {
		cfg := scenario.Config{Kernel: mm.Linux61, Policy: p}
		res, err := scenario.Run(context.Background(), scenario.Founding, cfg, explore.Config{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(w, "%v: %s", p, res.Verdict)
		if f := res.Report.Failure; f != nil {
			fmt.Fprintf(w, " in execution %d, shortest schedule %v", res.Executions, f.Schedule)
		} else {
			fmt.Fprintf(w, ", %d executions, %d states", res.Executions, res.States)
		}
		fmt.Fprintln(w)
	}
}
