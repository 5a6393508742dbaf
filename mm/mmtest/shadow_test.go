package mmtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
)

// disconnected is a schedule in which a page of a file has left the page cache
// while one of two spaces still maps it: CPU 0 punches a hole, CPU 1 uses the
// file through space 1, CPU 2 through space 0, which still has the old page.
type disconnected struct {
	*stage
	other *mm.AddressSpace
}

func newDisconnected(t *testing.T) *disconnected {
	s := Spec{Base: lowBase, Config: mm.Config{Kernel: mm.Linux2620, Policy: batch.Immediate(), CPUs: 3, Frames: 32}}
	st := &stage{stepper: new(Stepper), spec: s}
	s.Stepper = st.stepper
	m, spaces, free, err := s.New(2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, free()) })
	st.m, st.space, st.file, st.shadow = m, spaces[0], m.NewMapping(1, false), NewShadow(m)
	for _, as := range spaces {
		require.NoError(t, st.shadow.Map(m.CPU(0), as, mm.VMA{Range: s.page(0), Prot: rwx, Shared: true, File: st.file}))
	}
	_, err = st.shadow.Store(m.CPU(2), st.space, s.EA(0))
	require.NoError(t, err)
	return &disconnected{st, spaces[1]}
}

// run punches the hole, runs mid when the page has left the page cache, and
// finishes the hole.
func (d *disconnected) run(t *testing.T, mid ...func()) {
	bodies := []func(){func() {
		_, err := d.shadow.PunchHole(context.Background(), d.m.CPU(0), d.file, 0, 1)
		require.NoError(t, err)
	}}
	legs := []Leg{{CPU: 0, Through: mm.StepDropPage}}
	for i := range mid {
		legs = append(legs, Leg{CPU: i + 1})
	}
	_, err := d.stepper.Run(legs, append(bodies, mid...)...)
	require.NoError(t, err)
}

func (d *disconnected) store(t *testing.T, cpu int, as *mm.AddressSpace) uint64 {
	stamp, err := d.shadow.Store(d.m.CPU(cpu), as, d.spec.EA(0))
	require.NoError(t, err)
	return stamp
}

func (d *disconnected) load(t *testing.T, cpu int, as *mm.AddressSpace) uint64 {
	stamp, err := d.shadow.Load(d.m.CPU(cpu), as, d.spec.EA(0))
	require.NoError(t, err)
	return stamp
}

// TestDisconnectedPage: until the hole is punched, a store to the fresh page does
// not replace what the space that still maps the old one sees.
func TestDisconnectedPage(t *testing.T) {
	d := newDisconnected(t)
	old := d.load(t, 2, d.space)
	var fresh uint64
	d.run(t,
		func() { fresh = d.store(t, 1, d.other) },
		func() { require.Equal(t, old, d.load(t, 2, d.space), "the old page is still mapped") })
	require.Equal(t, fresh, d.load(t, 2, d.space))
	require.NoError(t, d.shadow.Check())
}

// TestDisconnectedPageIsJudged: what a hole under way does not excuse.
func TestDisconnectedPageIsJudged(t *testing.T) {
	behind := func(t *testing.T, d *disconnected, cpu int, as *mm.AddressSpace, stamp uint64) {
		require.NoError(t, d.m.CPU(cpu).Store(as, d.spec.EA(0), stamp))
	}
	for name, schedule := range map[string]func(t *testing.T, d *disconnected){
		"a store from before the hole": func(t *testing.T, d *disconnected) {
			old := d.load(t, 2, d.space)
			d.store(t, 1, d.other)
			d.run(t, func() {}, func() {
				behind(t, d, 2, d.space, old)
				d.load(t, 2, d.space)
			})
		},
		"a store by the same mapping": func(t *testing.T, d *disconnected) {
			old := d.load(t, 2, d.space)
			d.run(t, func() {}, func() {
				d.store(t, 2, d.space)
				behind(t, d, 2, d.space, old)
				d.load(t, 2, d.space)
			})
		},
		"the end of the hole": func(t *testing.T, d *disconnected) {
			old := d.load(t, 2, d.space)
			d.run(t)
			behind(t, d, 2, d.space, old)
			d.load(t, 2, d.space)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisconnected(t)
			schedule(t, d)
			require.ErrorIs(t, d.shadow.Err(), ErrStaleRead)
		})
	}
}
