package mmtest

import (
	"context"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// sequence drives a machine and the model with the same operations, one at a
// time, on changing CPUs.
type sequence struct {
	spec   Spec
	m      *mm.Machine
	spaces []*mm.AddressSpace
	files  []*mm.Mapping
	model  *Model
	places []pte.EA
	recent []access // the last few
	fetch  pte.Access
}

type access struct {
	as *mm.AddressSpace
	ea pte.EA
}

// Sequential checks a machine against the model with operations drawn from t.
// cfg says what of the machine is fixed.
func Sequential(t *rapid.T, cfg Config) {
	spec := cfg.apply(Specs().Draw(t, "machine"))
	m, spaces, free, err := spec.New(3)
	require.NoError(t, err)
	defer func() { require.NoError(t, free()) }()
	s := &sequence{spec: spec, m: m, spaces: spaces, model: NewModel(m.Kernel()), fetch: pte.Exec}
	if cfg.FetchIsLoad {
		s.fetch = pte.Read
	}
	for i := range Places {
		s.places = append(s.places, spec.EA(i))
	}
	s.files = []*mm.Mapping{m.NewMapping(FilePages, false), m.NewMapping(FilePages, true)}
	for _, as := range spaces[:2] { // the last one is for Fork
		s.layOut(t, as)
	}
	// Not t.Repeat: under -short it would stop before anything can go wrong.
	actions := rapid.StateMachineActions(s)
	check := actions[""]
	delete(actions, "")
	names := append(slices.Sorted(maps.Keys(actions)), "Load", "Store", "Load", "Store")
	for range rapid.IntRange(1, 100).Draw(t, "operations") {
		actions[rapid.SampledFrom(names).Draw(t, "operation")](t)
		check(t)
	}
	s.leave(t)
}

// layOut maps everything to begin with: an empty space is of little interest.
func (s *sequence) layOut(t *rapid.T, as *mm.AddressSpace) {
	const third = Places / 3
	for i := range 3 {
		v := mm.VMA{Range: s.spec.Range(i*third, (i+1)*third-1), Prot: pte.Read | pte.Write, Shared: i == 1}
		if i > 0 {
			v.File = s.file(t)
			v.Offset = s.spec.FileIndex(2 * rapid.IntRange(0, third/2).Draw(t, "offset"))
		}
		require.NoError(t, s.m.CPU(0).Map(as, v))
		require.NoError(t, s.model.Map(as, v, s.places))
	}
}

func (s *sequence) cpu(t *rapid.T) *mm.CPU {
	return s.m.CPU(rapid.IntRange(0, s.m.CPUs()-1).Draw(t, "CPU"))
}

func (s *sequence) space(t *rapid.T) *mm.AddressSpace {
	return s.spaces[rapid.IntRange(0, len(s.spaces)-1).Draw(t, "space")]
}

func (s *sequence) file(t *rapid.T) *mm.Mapping {
	return s.files[rapid.IntRange(0, len(s.files)-1).Draw(t, "file")]
}

// span draws a space and a range in it, most often around a page in use.
func (s *sequence) span(t *rapid.T) (*mm.AddressSpace, mm.Range) {
	if len(s.recent) > 0 && rapid.IntRange(0, 3).Draw(t, "in use") > 0 {
		r := rapid.SampledFrom(s.recent).Draw(t, "recent")
		place := slices.Index(s.places, r.ea)
		return r.as, s.spec.Range(place, min(place+rapid.IntRange(0, 2).Draw(t, "more"), Places-1))
	}
	p := Spans().Draw(t, "places")
	return s.space(t), s.spec.Range(p[0], p[1])
}

// filePages draws a run of file pages.
func (s *sequence) filePages(t *rapid.T) (first, last uint64) {
	p := Spans().Draw(t, "file places")
	return s.spec.FileIndex(p[0]), s.spec.FileIndex(p[1]+1) - 1
}

// address draws a page, most often one in use.
func (s *sequence) address(t *rapid.T) (*mm.AddressSpace, pte.EA) {
	if len(s.recent) > 0 && rapid.IntRange(0, 3).Draw(t, "again") > 0 {
		r := rapid.SampledFrom(s.recent).Draw(t, "recent")
		return r.as, r.ea
	}
	a := access{s.space(t), s.spec.EA(rapid.IntRange(0, Places-1).Draw(t, "place"))}
	if s.recent = append(s.recent, a); len(s.recent) > 6 {
		s.recent = s.recent[1:]
	}
	return a.as, a.ea
}

func (s *sequence) Map(t *rapid.T) {
	p := Spans().Draw(t, "places")
	v := mm.VMA{Range: s.spec.Range(p[0], p[1]), Prot: Prots().Draw(t, "prot")}
	if rapid.Bool().Draw(t, "file mapping") {
		v.File = s.file(t)
		v.Shared = rapid.Bool().Draw(t, "shared")
		v.Offset = s.spec.FileIndex(p[0]%2 + 2*rapid.IntRange(0, Places/2-1).Draw(t, "offset"))
	}
	as := s.space(t)
	require.ErrorIs(t, s.cpu(t).Map(as, v), s.model.Map(as, v, s.places))
}

func (s *sequence) Unmap(t *rapid.T) {
	as, r := s.span(t)
	s.whole(t, r, func() (mm.Result, error) { return s.cpu(t).Unmap(context.Background(), as, r) })
	s.model.Unmap(as, r)
}

func (s *sequence) ZapPageRange(t *rapid.T) {
	as, r := s.span(t)
	s.whole(t, r, func() (mm.Result, error) { return s.cpu(t).ZapPageRange(context.Background(), as, r) })
	s.model.Zap(as, r)
}

func (s *sequence) MadviseDontNeed(t *rapid.T) {
	as, r := s.span(t)
	s.whole(t, r, func() (mm.Result, error) { return s.cpu(t).MadviseDontNeed(context.Background(), as, r) })
	s.model.Zap(as, r)
}

// whole runs a range operation that must come to its end.
func (s *sequence) whole(t *rapid.T, r mm.Range, op func() (mm.Result, error)) {
	res, err := op()
	require.NoError(t, err)
	require.Equal(t, r.End, res.Next)
}

func (s *sequence) Protect(t *rapid.T) {
	as, r := s.span(t)
	a := Prots().Draw(t, "prot")
	_, err := s.cpu(t).Protect(context.Background(), as, r, a)
	if !s.model.Covered(as, r, s.places) {
		require.ErrorIs(t, err, mm.ErrNoVMA)
		return
	}
	require.NoError(t, err)
	s.model.Protect(as, r, a)
}

func (s *sequence) UnmapMappingRange(t *rapid.T) {
	f, even := s.file(t), rapid.Bool().Draw(t, "even COWs")
	first, last := s.filePages(t)
	_, err := s.cpu(t).UnmapMappingRange(context.Background(), f, first, last-first+1, even)
	require.NoError(t, err)
	s.model.UnmapMappingRange(f, first, last, even)
}

func (s *sequence) PunchHole(t *rapid.T) {
	f := s.file(t)
	first, last := s.filePages(t)
	_, err := s.cpu(t).PunchHole(context.Background(), f, first, last-first+1)
	require.NoError(t, err)
	s.model.PunchHole(f, first, last)
}

func (s *sequence) Truncate(t *rapid.T) {
	f, n := s.file(t), s.spec.FileIndex(rapid.IntRange(Places/2, Places).Draw(t, "length"))
	_, err := s.cpu(t).Truncate(context.Background(), f, n)
	require.NoError(t, err)
	s.model.Truncate(f, n)
	require.Equal(t, n, f.Size())
}

func (s *sequence) Load(t *rapid.T)  { s.read(t, pte.Read) }
func (s *sequence) Fetch(t *rapid.T) { s.read(t, s.fetch) }

func (s *sequence) read(t *rapid.T, a pte.Access) {
	as, ea := s.address(t)
	got, err := s.cpu(t).Access(as, ea, a, 0)
	want, known, wantErr := s.model.Read(as, ea, a)
	require.ErrorIs(t, err, wantErr, "right to read %v", ea)
	switch {
	case err != nil:
	case known:
		require.Equal(t, want, got, "M3, M4: contents of %v", ea)
	default:
		require.True(t, s.model.Saw(as, ea, got), "M3: contents of %v are not new: %#x", ea, got)
	}
}

func (s *sequence) Store(t *rapid.T) {
	as, ea := s.address(t)
	s.storeTo(t, as, ea)
}

func (s *sequence) storeTo(t *rapid.T, as *mm.AddressSpace, ea pte.EA) {
	stamp := s.m.NewStamp()
	err := s.cpu(t).Store(as, ea, stamp)
	require.ErrorIs(t, err, s.model.Store(as, ea, stamp), "right to store to %v", ea)
	if err == nil {
		s.storeSeen(t, as, ea)
	}
}

// Check verifies the machine at rest after every operation.
func (s *sequence) Check(t *rapid.T) {
	require.NoError(t, s.m.Check(), s.spec.String())
	for i := range s.m.CPUs() {
		require.Zero(t, s.m.CPU(i).Batch().Len(), "B1")
	}
}

// leave gives everything back: no frame but the zero page may be in use (M2),
// and of a page that was stored to somebody must know (M4).
func (s *sequence) leave(t *rapid.T) {
	c := s.m.CPU(0)
	for _, as := range s.spaces {
		_, err := c.Unmap(context.Background(), as, s.spec.Range(0, Places-1))
		require.NoError(t, err)
	}
	for _, f := range s.files {
		for index, stamp := range s.model.file(f).pages {
			kept, ok := f.OnDisk(index)
			if ra, cached := f.Cached(index); cached {
				kept, ok = s.m.Frames().Load(ra), true
			}
			require.True(t, ok)
			require.Equal(t, stamp, kept)
		}
		_, err := c.Truncate(context.Background(), f, 0)
		require.NoError(t, err)
	}
	require.Equal(t, s.spec.Frames-1, s.m.Frames().Free(), "M2: frames left over")
	s.Check(t)
}
