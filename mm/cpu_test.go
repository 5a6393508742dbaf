package mm

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

// TestWaitingIsOneFailure: an access to a page that another CPU hashes or moves waits
// for that CPU, and has tries left when it is done.
func TestWaitingIsOneFailure(t *testing.T) {
	for _, k := range Kernels() {
		l := k.Layout
		for name, held := range map[string]func(old pte.LinuxPTE) pte.LinuxPTE{
			"hashed": func(old pte.LinuxPTE) pte.LinuxPTE { return old | l.Busy },
			"moved":  func(old pte.LinuxPTE) pte.LinuxPTE { return l.Migration(l.RA(old), l.Granted(old)) },
		} {
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				const patience = 4
				missed := make(chan *CPU, 2*patience)
				m, as, _ := testMachine(t, Config{Kernel: k, CPUs: 2, Patience: patience, Trace: Trace{
					Missed: func(c *CPU, _ pte.EA, _ pte.Access, _ Outcome) { missed <- c },
				}})
				a, b := m.CPU(0), m.CPU(1)
				require.NoError(t, a.Map(as, VMA{Range: Pages(testEA, 1), Prot: pte.Read | pte.Write}))
				require.NoError(t, a.Store(as, testEA, 5))
				m.Table().Clear() // as if evicted
				p := as.make(testEA)
				old := p.load()
				p.entry.Store(uint64(held(old)))
				done := make(chan error)
				var stamp uint64
				go func() {
					var err error
					stamp, err = b.Load(as, testEA)
					done <- err
				}()
				for <-missed != b {
				}
				for range 100 * patience {
					runtime.Gosched()
				}
				p.entry.Store(uint64(old))
				require.NoError(t, <-done)
				require.EqualValues(t, 5, stamp)
			})
		}
	}
}

// TestCoins: a CPU takes victims from one group about as often as from the other, the
// same in every run, and no two CPUs in the same order.
func TestCoins(t *testing.T) {
	throw := func(cpu int) (throws [256]bool) {
		m, _, _ := testMachine(t, Config{CPUs: 3})
		for i := range throws {
			throws[i] = m.CPU(cpu).coin()
		}
		return throws
	}
	seen := make(map[[256]bool]bool)
	for cpu := range 3 {
		throws := throw(cpu)
		require.Equal(t, throws, throw(cpu))
		require.False(t, seen[throws], "CPU %d", cpu)
		seen[throws] = true
		first := 0
		for _, heads := range throws {
			first += int(b2u(heads))
		}
		require.InDelta(t, 128, first, 40, "CPU %d", cpu)
	}
}
