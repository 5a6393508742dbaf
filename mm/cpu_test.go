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
