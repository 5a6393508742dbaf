package mmtest

import (
	"context"
	"errors"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// supported reports whether the kernel has what an operation needs; err must say
// so if not.
func (s *sequence) supported(t *rapid.T, f mm.Feature, err error) bool {
	if s.m.Kernel().Has(f) {
		return true
	}
	require.ErrorIs(t, err, mm.ErrUnsupported)
	return false
}

// unseen requires that an operation that programs cannot see did all of a range,
// or passed over holes.
func (s *sequence) unseen(t *rapid.T, as *mm.AddressSpace, r mm.Range, res mm.Result, err error) {
	if s.model.Covered(as, r, s.places) {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, mm.ErrNoVMA)
	}
	require.Equal(t, r.End, res.Next)
}

func (s *sequence) MadviseFree(t *rapid.T) {
	as, r := s.span(t)
	away := s.onDevice(as, r)
	res, err := s.cpu(t).MadviseFree(context.Background(), as, r)
	for _, ea := range away {
		if ea < res.Next {
			s.model.Zap(as, mm.Range{Start: ea, End: ea + 1})
		}
	}
	switch {
	case !s.supported(t, mm.MadvFree, err):
	case s.model.Files(as, r):
		require.ErrorIs(t, err, mm.ErrAdvice)
	default:
		s.unseen(t, as, r, res, err)
	}
}

// onDevice lists the places of a range that are swapped out.
func (s *sequence) onDevice(as *mm.AddressSpace, r mm.Range) (away []pte.EA) {
	for _, ea := range s.places {
		if r.Contains(ea) && s.m.Kernel().Layout.OnDevice(as.PTE(ea)) {
			away = append(away, ea)
		}
	}
	return away
}

func (s *sequence) MadviseCold(t *rapid.T) {
	as, r := s.span(t)
	res, err := s.cpu(t).MadviseCold(context.Background(), as, r)
	if s.supported(t, mm.MadvCold, err) {
		s.unseen(t, as, r, res, err)
	}
}

func (s *sequence) MadvisePageout(t *rapid.T) {
	as, r := s.span(t)
	res, err := s.cpu(t).MadvisePageout(context.Background(), as, r)
	if s.supported(t, mm.MadvCold, err) {
		s.unseen(t, as, r, res, err)
	}
}

// MakeFolio stores to a pair of places and makes a large folio of them, if that
// can be.
func (s *sequence) MakeFolio(t *rapid.T) {
	as, ea := s.address(t)
	first := slices.Index(s.places, ea) &^ 1
	s.storeTo(t, as, s.places[first])
	s.storeTo(t, as, s.places[first+1])
	r := mm.Range{Start: s.places[first], End: s.places[first+1] + pte.EA(s.m.Kernel().PageSize().Bytes())}
	if err := s.cpu(t).MakeFolio(as, r); s.supported(t, mm.LargeFolios, err) && err != nil {
		require.ErrorIs(t, err, mm.ErrFolio)
	}
}

func (s *sequence) HintNUMA(t *rapid.T) {
	as, r := s.span(t)
	res, err := s.cpu(t).HintNUMA(context.Background(), as, r)
	if s.supported(t, mm.NUMAHinting, err) {
		require.NoError(t, err)
		require.Equal(t, r.End, res.Next)
	}
}

func (s *sequence) ClearYoung(t *rapid.T) {
	as := s.space(t)
	_, err := s.cpu(t).ClearYoung(context.Background(), as)
	if !s.supported(t, mm.ClearRefs, err) {
		return
	}
	require.NoError(t, err)
	for _, ea := range s.places {
		require.Zero(t, as.PTE(ea)&s.m.Kernel().Layout.Accessed)
	}
}

func (s *sequence) ClearSoftDirty(t *rapid.T) {
	as := s.space(t)
	_, err := s.cpu(t).ClearSoftDirty(context.Background(), as)
	if !s.supported(t, mm.SoftDirty, err) {
		return
	}
	require.NoError(t, err)
	for _, ea := range s.places {
		dirty, err := s.cpu(t).SoftDirty(as, ea)
		require.False(t, err == nil && dirty)
	}
}

// storeSeen requires that a store which was done is seen in the soft-dirty bits.
func (s *sequence) storeSeen(t *rapid.T, as *mm.AddressSpace, ea pte.EA) {
	dirty, err := s.m.CPU(0).SoftDirty(as, ea)
	if s.supported(t, mm.SoftDirty, err) {
		require.NoError(t, err)
		require.True(t, dirty, "M4: no soft-dirty bit tells of a store to %v", ea)
	}
}

// Fork ends the process of the last space and gives that to a copy of another.
func (s *sequence) Fork(t *rapid.T) {
	child := s.spaces[len(s.spaces)-1]
	parent := s.spaces[rapid.IntRange(0, len(s.spaces)-2).Draw(t, "parent")]
	_, err := s.cpu(t).Exit(child)
	require.NoError(t, err)
	require.ErrorIs(t, s.cpu(t).Map(child, mm.VMA{Range: s.spec.Range(0, 0)}), mm.ErrExited)
	_, err = s.cpu(t).Fork(context.Background(), parent, child)
	require.NoError(t, err)
	s.model.Fork(parent, child)
}

// Remap moves a range by some pairs of places.
func (s *sequence) Remap(t *rapid.T) {
	as := s.space(t)
	first := rapid.IntRange(0, Places-1).Draw(t, "first")
	p := [2]int{first, min(first+rapid.IntRange(0, 3).Draw(t, "more"), Places-1)}
	pairs := rapid.IntRange(-p[0]/2, (Places-1-p[1])/2).Draw(t, "by pairs")
	old, to := s.spec.Range(p[0], p[1]), s.spec.EA(p[0]+2*pairs)
	moved := mm.Range{Start: to, End: to + pte.EA(old.Len())}
	apart := moved.End <= old.Start || old.End <= moved.Start
	if apart && rapid.Bool().Draw(t, "make room") {
		s.whole(t, moved, func() (mm.Result, error) { return s.cpu(t).Unmap(context.Background(), as, moved) })
		s.model.Unmap(as, moved)
	}
	_, err := s.cpu(t).Remap(context.Background(), as, old, to)
	covered := s.model.Covered(as, old, s.places)
	free := apart && !s.model.Any(as, moved)
	switch {
	case p[0] == p[1] && covered && free:
		require.NoError(t, err)
	case !covered:
		require.ErrorIs(t, err, mm.ErrNoVMA)
	case err != nil && !free:
		// Which of the two depends on whether the range is one mapping.
		require.True(t, errors.Is(err, mm.ErrNoVMA) || errors.Is(err, mm.ErrOverlap), "%v", err)
	case err != nil:
		require.ErrorIs(t, err, mm.ErrNoVMA)
	}
	if err == nil {
		require.True(t, free)
		s.model.Remap(as, old, to)
	}
}
