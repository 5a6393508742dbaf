package mm

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

func traced(t testing.TB, trace Trace) (*CPU, *AddressSpace) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { table.Close() })
	m, err := New(Config{Table: table, CPUs: 1, Trace: trace})
	require.NoError(t, err)
	return m.CPU(0), m.NewAddressSpace(7)
}

// TestTrace: every event comes once, in order, and says what happened.
func TestTrace(t *testing.T) {
	var got []string
	note := func(format string, a ...any) { got = append(got, fmt.Sprintf(format, a...)) }
	c, as := traced(t, Trace{
		Missed:  func(c *CPU, ea pte.EA, a pte.Access, o Outcome) { note("%d missed %v %v %v", c.ID(), ea, a, o) },
		Faulted: func(_ *CPU, ea pte.EA, a pte.Access, err error) { note("faulted %v %v %v", ea, a, err) },
		Walked:  func(_ *CPU, _ *AddressSpace, r Range, pages int) { note("walked %v %d", r, pages) },
		Flushed: func(_ *CPU, why batch.Reason, context uint64, n int) { note("flushed %v %d %d", why, context, n) },
	})
	r := Pages(0x10000000, 2)
	require.NoError(t, c.Map(as, VMA{Range: r, Prot: pte.Read | pte.Write}))
	require.NoError(t, c.Store(as, r.Start, 1))
	_, err := c.Fetch(as, r.Start)
	require.ErrorIs(t, err, ErrProtected)
	_, err = c.ZapPageRange(context.Background(), as, r)
	require.NoError(t, err)
	require.Equal(t, []string{
		"0 missed 0x10000000 -w- miss",
		"faulted 0x10000000 -w- <nil>",
		"0 missed 0x10000000 --x denied",
		"faulted 0x10000000 --x " + ErrProtected.Error(),
		"flushed leave-lazy 7 1",
		"walked [0x10000000, 0x10002000) 1",
	}, got)
}

// BenchmarkTrace compares page faults without a trace, and with one that does
// nothing.
func BenchmarkTrace(b *testing.B) {
	for name, trace := range map[string]Trace{
		"none": {},
		"idle": {
			Missed:  func(*CPU, pte.EA, pte.Access, Outcome) {},
			Faulted: func(*CPU, pte.EA, pte.Access, error) {},
			Walked:  func(*CPU, *AddressSpace, Range, int) {},
			Flushed: func(*CPU, batch.Reason, uint64, int) {},
		},
	} {
		b.Run(name, func(b *testing.B) {
			c, as := traced(b, trace)
			r := Pages(0x10000000, 64)
			require.NoError(b, c.Map(as, VMA{Range: r, Prot: pte.Read | pte.Write}))
			b.ReportAllocs()
			for b.Loop() {
				for ea := r.Start; ea < r.End; ea += 0x1000 {
					if err := c.Store(as, ea, 1); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := c.ZapPageRange(context.Background(), as, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
