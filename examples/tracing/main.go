// Command tracing watches a zap storm: two CPUs fault pages of a shared file in while
// a third takes them away again. It logs the zaps with log/slog and writes every event
// as a Chrome trace, to be opened in Perfetto or chrome://tracing.
//
//	tracing [-o FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

const (
	pages    = 3 * 512 // of the file: three PTE pages
	zaps     = 4
	zapper   = 2 // the CPU that takes pages away
	firstEA  = 0x10000000
	pageSize = 4096
)

func main() { cli.Main("tracing", run) }

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("tracing", flag.ContinueOnError)
	name := f.String("o", "", "write a Chrome trace into this file")
	if err := cli.Parse(f, args, std.Out, cli.NoFiles); err != nil {
		return 2, err
	}
	var events chrome
	if err := storm(std.Out, &events); err != nil {
		return 1, err
	}
	if *name == "" {
		return 0, nil
	}
	file, err := os.Create(*name)
	if err != nil {
		return 2, err
	}
	if err := errors.Join(events.write(file), file.Close()); err != nil {
		return 2, err
	}
	return 0, nil
}

// storm runs the CPUs, logs to w and collects events.
func storm(w io.Writer, events *chrome) error {
	table, err := hpt.New(hpt.Config{Order: 20})
	if err != nil {
		return err
	}
	defer table.Close()
	logger := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	m, err := mm.New(mm.Config{Table: table, CPUs: zapper + 1, Frames: 2 * pages, Trace: mm.Trace{
		Missed: func(c *mm.CPU, ea pte.EA, _ pte.Access, o mm.Outcome) {
			events.instant(c.ID(), "hash fault", map[string]any{"ea": ea, "hardware": o.String()})
		},
		Faulted: func(c *mm.CPU, ea pte.EA, _ pte.Access, _ error) {
			events.instant(c.ID(), "page fault", map[string]any{"ea": ea})
		},
		Walked: func(c *mm.CPU, _ *mm.AddressSpace, r mm.Range, n int) {
			events.instant(c.ID(), "PTE page done", map[string]any{"from": r.Start, "pages": n})
		},
		Flushed: func(c *mm.CPU, why batch.Reason, _ uint64, n int) {
			events.instant(c.ID(), "flush", map[string]any{"why": why.String(), "entries": n})
		},
	}})
	if err != nil {
		return err
	}
	space, file := m.NewAddressSpace(7), m.NewMapping(pages, false)
	all := mm.Pages(firstEA, pages)
	if err := m.CPU(0).Map(space, mm.VMA{Range: all, Prot: pte.Read | pte.Write, Shared: true, File: file}); err != nil {
		return err
	}
	for i := range zaps {
		if err := touchAll(m, space, zapper, events); err != nil {
			return err
		}
		end := events.begin(zapper, "unmap_mapping_range")
		res, err := m.CPU(zapper).UnmapMappingRange(context.Background(), file, 0, 0, true)
		end()
		if err != nil {
			return err
		}
		logger.Info("zapped", "round", i, "pages", res.Pages, "entries left", table.Stats().Valid)
	}
	return nil
}

// touchAll has n CPUs load their shares of the pages at the same time.
func touchAll(m *mm.Machine, space *mm.AddressSpace, n int, events *chrome) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for cpu := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer events.begin(cpu, "load every page")()
			for i := cpu; i < pages; i += n {
				ea := pte.EA(firstEA + i*pageSize)
				if _, err := m.CPU(cpu).Load(space, ea); err != nil {
					errs[cpu] = fmt.Errorf("%v: %w", ea, err)
				}
			}
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// withoutTime keeps the log the same from run to run.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
