package batch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// call is one call of the flusher.
type call struct {
	why   batch.Reason
	space uint64
	refs  []pte.Ref
	scope batch.Scope
}

// entry is what was added: with it the model needs no running state.
type entry struct {
	space uint64
	ref   pte.Ref
	scope batch.Scope
}

// model is a batch as the package comment describes it, by name of policy.
type model struct {
	policy  string
	counted bool

	pending []entry
	inside  []bool // lazy sections entered; what leaving one does is said there
	active  bool
	calls   []call
}

func (m *model) flush(why batch.Reason) {
	if len(m.pending) == 0 {
		return
	}
	c := call{why: why, space: m.pending[0].space}
	for _, e := range m.pending {
		c.refs = append(c.refs, e.ref)
		if e.scope == batch.Global {
			c.scope = batch.Global
		}
	}
	m.calls, m.pending = append(m.calls, c), nil
}

func (m *model) add(e entry) {
	if len(m.pending) > 0 {
		p := m.pending[len(m.pending)-1]
		switch {
		case p.space != e.space:
			m.flush(batch.OnOtherSpace)
		case p.ref.Actual != e.ref.Actual || p.ref.Key.Base != e.ref.Key.Base:
			m.flush(batch.OnOtherSize)
		case p.ref.Key.Seg != e.ref.Key.Seg:
			m.flush(batch.OnOtherSegment)
		}
	}
	m.pending = append(m.pending, e)
	if len(m.pending) == 192 {
		m.flush(batch.OnFull)
	}
	m.event(batch.OnAdd)
}

func (m *model) enter() { m.inside, m.active = append(m.inside, true), true }

func (m *model) leave() {
	if len(m.inside) == 0 {
		return
	}
	m.event(batch.OnLeaveLazy)
	m.inside = m.inside[1:]
	m.active = m.counted && len(m.inside) > 0
}

// modelTask is what a task leaves behind.
type modelTask struct {
	inside []bool
	active bool
}

func (m *model) switchOut() modelTask {
	m.flush(batch.OnSwitch)
	t := modelTask{m.inside, m.active}
	m.switchIn(modelTask{})
	return t
}

func (m *model) switchIn(t modelTask) { m.inside, m.active = t.inside, t.active }

func (m *model) event(ev batch.Reason) {
	for _, name := range strings.Split(m.policy, "+") {
		if m.wants(name, ev) {
			m.flush(ev)
			return
		}
	}
}

// wants is the table of the package comment.
func (m *model) wants(policy string, ev batch.Reason) bool {
	var n int
	if _, err := fmt.Sscanf(policy, "capacity-%d", &n); err == nil {
		return ev == batch.OnRangeFlush || ev == batch.OnAdd && len(m.pending) >= n
	}
	switch policy {
	case "at-finish":
		return ev == batch.OnRangeFlush
	case "before-unlock":
		return ev == batch.OnRangeFlush || ev == batch.OnUnlock
	case "lazy-mmu":
		return ev == batch.OnLeaveLazy || ev == batch.OnAdd && !m.active
	case "immediate":
		return ev == batch.OnAdd
	}
	panic("no policy " + policy)
}

// machine drives a batch and the model with the same events.
type machine struct {
	model model
	batch *batch.Batch
	calls []call // what the flusher saw
	added uint64

	out      []batch.Task // tasks that are switched out
	modelOut []modelTask
}

func newMachine(t *rapid.T) *machine {
	names := rapid.SliceOfN(policyNames(), 1, 3).Draw(t, "policies")
	m := &machine{model: model{policy: strings.Join(names, "+"), counted: rapid.Bool().Draw(t, "counted")}}
	p, err := batch.ParsePolicy(m.model.policy)
	require.NoError(t, err)
	c := batch.Config{Policy: p, Trace: &batch.Trace{Flushed: m.traced}}
	if m.model.counted {
		c.Nesting = batch.Counted
	}
	m.batch = batch.New(batch.FlusherFunc(m.flushed), c)
	return m
}

func policyNames() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"at-finish", "before-unlock", "lazy-mmu", "immediate"}),
		rapid.Map(rapid.IntRange(1, 6), func(n int) string { return fmt.Sprintf("capacity-%d", n) }))
}

func (m *machine) flushed(space uint64, refs []pte.Ref, s batch.Scope) {
	m.calls = append(m.calls, call{space: space, refs: append([]pte.Ref(nil), refs...), scope: s})
}

func (m *machine) traced(why batch.Reason, space uint64, n int) {
	last := &m.calls[len(m.calls)-1]
	if last.why != 0 || last.space != space || len(last.refs) != n {
		panic("the trace tells of another flush than the flusher")
	}
	last.why = why
}

func (m *machine) Add(t *rapid.T) { m.add(entries().Draw(t, "entry")) }

// AddMany is long enough to fill a batch, which single entries never do.
func (m *machine) AddMany(t *rapid.T) {
	e := entries().Draw(t, "entry")
	for range rapid.SampledFrom([]int{2, 7, 191, 192, 400}).Draw(t, "n") {
		e.ref.Key.Page++
		m.add(e)
	}
}

func (m *machine) add(e entry) {
	m.batch.Add(e.space, e.ref, e.scope)
	m.model.add(e)
	m.added++
}

func (m *machine) EnterLazy(*rapid.T)    { m.batch.EnterLazy(); m.model.enter() }
func (m *machine) LeaveLazy(*rapid.T)    { m.batch.LeaveLazy(); m.model.leave() }
func (m *machine) BeforeUnlock(*rapid.T) { m.batch.BeforeUnlock(); m.model.event(batch.OnUnlock) }
func (m *machine) RangeFlush(*rapid.T)   { m.batch.RangeFlush(); m.model.event(batch.OnRangeFlush) }
func (m *machine) Finish(*rapid.T)       { m.batch.Finish(); m.model.flush(batch.OnFinish) }

// Switch goes to a task that was switched out before, or to a new one.
func (m *machine) Switch(t *rapid.T) {
	m.out, m.modelOut = append(m.out, m.batch.SwitchOut()), append(m.modelOut, m.model.switchOut())
	i := rapid.IntRange(0, len(m.out)).Draw(t, "task")
	if i == len(m.out) {
		m.batch.SwitchIn(batch.Task{})
		return
	}
	m.batch.SwitchIn(m.out[i])
	m.model.switchIn(m.modelOut[i])
	m.out, m.modelOut = slices.Delete(m.out, i, i+1), slices.Delete(m.modelOut, i, i+1)
}

// Check compares all that can be seen of the batch.
func (m *machine) Check(t *rapid.T) {
	require.Equal(t, m.model.calls, m.calls)
	require.Equal(t, m.model.active, m.batch.Lazy())
	require.Equal(t, len(m.model.pending), m.batch.Len())
	space, refs := m.batch.Pending()
	require.Len(t, refs, m.batch.Len())
	for i, e := range m.model.pending {
		require.Equal(t, e.space, space)
		require.Equal(t, e.ref, refs[i])
	}
	want := batch.Stats{Added: m.added}
	for _, c := range m.calls {
		want.Flushed += uint64(len(c.refs))
		want.Flushes[c.why]++
	}
	require.Equal(t, want, m.batch.Stats())
	require.EqualValues(t, len(m.calls), want.Events())
}

func entries() *rapid.Generator[entry] {
	return rapid.Custom(func(t *rapid.T) entry {
		key := pte.Key{
			VSID: 5,
			Page: uint32(rapid.IntRange(0, 3).Draw(t, "page")) << 4,
			Base: rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page4K, pte.Page64K}).Draw(t, "base"),
			Seg:  rapid.SampledFrom([]pte.SegSize{pte.Seg256M, pte.Seg256M, pte.Seg1T}).Draw(t, "segment"),
		}
		actual := key.Base
		if rapid.IntRange(0, 4).Draw(t, "large") == 0 {
			actual = pte.Page16M
		}
		return entry{
			space: uint64(rapid.IntRange(1, 2).Draw(t, "space")),
			ref:   pte.Ref{Key: key, Actual: actual, Hint: pte.MakeSlotHint(false, 3)},
			scope: rapid.SampledFrom([]batch.Scope{batch.Local, batch.Global}).Draw(t, "scope"),
		}
	})
}

func againstModel(t *rapid.T) { t.Repeat(rapid.StateMachineActions(newMachine(t))) }

func TestAgainstModel(t *testing.T) { rapid.Check(t, againstModel) }

func FuzzAgainstModel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(againstModel)) }
