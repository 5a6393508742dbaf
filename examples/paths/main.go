// Paths asks of every path by which Linux changes page table entries whether it
// can leave two hash table entries for a page, or let an old page be reached. It
// runs every interleaving of the path with what other CPUs may do meanwhile, and
// shows next to the verdict what reading the source predicts and what was counted
// in a running guest.
//
//	go run ./examples/paths
//	go run ./examples/paths -kernel 6.1 -path madvise-split
//	go run ./examples/paths -kernel 6.1 -fixes
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

func main() { cli.Main("paths", run) }

// options are the command line, checked.
type options struct {
	json   bool
	fixes  bool
	kernel *mm.Kernel // nil: all
	paths  []*scenario.Path
}

func run(args []string, std cli.Std) (int, error) {
	o, err := parse(args, std.Out)
	if err != nil {
		return 2, err
	}
	if o.fixes {
		return runFixes(context.Background(), o, std.Out)
	}
	return runPaths(context.Background(), o, std.Out)
}

// runPaths prints the verdict on every path. The exit code is 1 when one is not
// the documented one.
func runPaths(ctx context.Context, o options, out io.Writer) (int, error) {
	rows, err := explorePaths(ctx, o)
	if err != nil {
		return 1, err
	}
	if o.json {
		printJSON(out, rows)
	} else {
		printTable(out, rows)
	}
	for i := range rows {
		if !rows[i].Documented() {
			return 1, nil
		}
	}
	return 0, nil
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{paths: scenario.Paths()}
	var kernel, path string
	f := flag.NewFlagSet("paths", flag.ContinueOnError)
	f.BoolVar(&o.json, "json", false, "print one JSON object per line")
	f.BoolVar(&o.fixes, "fixes", false, "say what closes the paths, and what it costs")
	f.StringVar(&kernel, "kernel", "", "kernel profile: 2.6.20 or 6.1, -64k for those paths only that need such base pages; default: all")
	f.StringVar(&path, "path", "", "path: "+strings.Join(scenario.PathNames(), " ")+"; default: all")
	if err := cli.Parse(f, args, out, cli.NoFiles); err != nil {
		return o, err
	}
	if kernel != "" {
		var err error
		if o.kernel, err = mm.ParseKernel(kernel); err != nil {
			return o, err
		}
	}
	if path != "" {
		p, err := scenario.PathNamed(path)
		if err != nil {
			return o, err
		}
		o.paths = []*scenario.Path{p}
		if len(o.rows()) == 0 {
			return o, fmt.Errorf("no path %[2]q in Linux %[1]s", kernel, path)
		}
	}
	return o, nil
}

// wants tells whether a kernel was asked for, by its name or, whatever its base
// pages, by that of the version.
func (o *options) wants(k *mm.Kernel) bool {
	return o.kernel == nil || k == o.kernel || strings.HasPrefix(k.Name, o.kernel.Name+"-")
}

// rows are the paths and kernels asked for, nothing explored yet.
func (o *options) rows() []scenario.PathResult {
	var rows []scenario.PathResult
	for _, p := range o.paths {
		for i := range p.In {
			if o.wants(p.In[i].Kernel) {
				rows = append(rows, scenario.PathResult{Path: p, In: &p.In[i]})
			}
		}
	}
	return rows
}

// explorePaths decides the rows, several at a time.
func explorePaths(ctx context.Context, o options) ([]scenario.PathResult, error) {
	rows := o.rows()
	err := parallel(len(rows), func(i int) (err error) {
		rows[i], err = scenario.RunPath(ctx, rows[i].Path, rows[i].In, scenario.Config{}, explore.Config{})
		return err
	})
	return rows, err
}

// parallel calls do for 0 to n-1, on as many goroutines as there are processors,
// and joins the errors.
func parallel(n int, do func(i int) error) error {
	errs := make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				errs[i] = do(i)
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}
