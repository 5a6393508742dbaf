package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// interrupter lets a test run other CPUs just before a CPU's steps.
type interrupter struct{ before func(cpu int, op mm.Op) }

func (s *interrupter) Step(cpu int, op mm.Op) {
	if s.before != nil {
		s.before(cpu, op)
	}
}
func (s *interrupter) Touch(int, mm.Touch)       {}
func (s *interrupter) Note(int, mm.Step, pte.EA) {}
func (s *interrupter) Saw(int, uint64)           {}

// TestCopyHoldsThePageCopied: while CPU 1 copies a page of a file for a private
// store, CPU 0 throws that page away and reads a new one in, which could get the
// very frame. The copy of the old contents must not be put in place (M3).
func TestCopyHoldsThePageCopied(t *testing.T) {
	for _, k := range mm.Kernels() {
		t.Run(k.Name, func(t *testing.T) {
			stepper := &interrupter{}
			m := newMachine(t, mm.Config{Kernel: k, Stepper: stepper})
			file := m.NewMapping(1, false)
			private, shared := m.NewAddressSpace(7), m.NewAddressSpace(8)
			rw := pte.Read | pte.Write
			require.NoError(t, m.CPU(0).Map(private, mm.VMA{Range: mm.Pages(base, 1), Prot: rw, File: file}))
			require.NoError(t, m.CPU(0).Map(shared, mm.VMA{Range: mm.Pages(base, 1), Prot: rw, Shared: true, File: file}))
			old, err := m.CPU(0).Load(shared, base)
			require.NoError(t, err)

			punched, seen := false, false
			stepper.before = func(cpu int, op mm.Op) {
				switch {
				case cpu == 1 && op.Step == mm.StepPTELock && !punched:
					punched = true
					_, err := m.CPU(0).PunchHole(ctx, file, 0, 1)
					require.NoError(t, err)
					_, err = m.CPU(0).Load(shared, base)
					require.NoError(t, err)
				case cpu == 1 && op.Step == mm.StepAccess && punched && private.PTE(base) != 0:
					seen = true
					got, err := m.CPU(0).Load(private, base)
					require.NoError(t, err)
					require.NotEqual(t, old, got, "contents thrown away before the access began")
				}
			}
			require.NoError(t, m.CPU(1).Store(private, base, 1<<40))
			require.True(t, punched && seen)
			require.NoError(t, m.Check())
		})
	}
}
