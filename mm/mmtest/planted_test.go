package mmtest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/internal/judge"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// The faults: each is the hash table with one mistake.
type (
	missing struct{ mm.Backend } // never flushes odd pages
	deaf    struct{ mm.Backend } // queues nothing
	astray  struct{ mm.Backend } // flushes the page beside the one asked for
	halved  struct{ mm.Backend } // flushes only the first entry of a batch
	lenient struct{ mm.Backend } // lets everybody store
	deadEnd struct{ mm.Backend } // handles a miss by doing nothing
	hoarder struct {             // answers what it answered before, flushed or not
		mm.Backend
		mu   *sync.Mutex
		last map[pte.Key]mm.Translation
	}
)

func (s missing) Flush(c *mm.CPU, as *mm.AddressSpace, refs []pte.Ref) {
	var rest []pte.Ref
	for _, r := range refs {
		if r.Key.Page&1 == 0 {
			rest = append(rest, r)
		}
	}
	s.Backend.Flush(c, as, rest)
}

func (deaf) Changed(*mm.CPU, *mm.AddressSpace, pte.EA, pte.LinuxPTE) {}

func (s astray) Flush(c *mm.CPU, as *mm.AddressSpace, refs []pte.Ref) {
	wrong := append([]pte.Ref(nil), refs...)
	for i := range wrong {
		wrong[i].Key.Page ^= 1
	}
	s.Backend.Flush(c, as, wrong)
}

func (s halved) Flush(c *mm.CPU, as *mm.AddressSpace, refs []pte.Ref) {
	s.Backend.Flush(c, as, refs[:1])
}

func (s lenient) Walk(c *mm.CPU, k pte.Key, a pte.Access) (mm.Translation, mm.Outcome) {
	t, o := s.Backend.Walk(c, k, a)
	if o == mm.Denied && a == pte.Write {
		t, o = s.Backend.Walk(c, k, pte.Read)
		t.Prot |= pte.Write
	}
	return t, o
}

func (s deadEnd) Miss(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, a pte.Access, o mm.Outcome) (bool, error) {
	if o == mm.Denied {
		return false, mm.ErrProtected
	}
	return s.Backend.Miss(c, as, ea, a, o)
}

func (s hoarder) Walk(c *mm.CPU, k pte.Key, a pte.Access) (mm.Translation, mm.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.last[k]; ok && t.Prot.Has(a) {
		return t, mm.Hit
	}
	t, o := s.Backend.Walk(c, k, a)
	if o == mm.Hit && !t.Unchanged {
		s.last[k] = t
	}
	return t, o
}

// suite runs every part of the contract suite on a backend and returns what the parts
// that failed said.
func suite(backend func(*mm.Machine) mm.Backend) string {
	cfg := Config{Kernel: mm.Linux61, Policy: SafePolicies()[1], Backend: backend}
	said := judge.Of(func(t *judge.T) { rapid.Check(t, func(t *rapid.T) { Sequential(t, cfg) }) })
	for _, s := range cfg.specs() {
		for _, part := range []func(Spec) error{OneTranslation, OldPageOutOfReach, CancelledIsPrefix,
			func(s Spec) error { return Mix(s, 1) }} {
			if err := part(s); err != nil {
				said += err.Error() + "\n"
			}
		}
	}
	return said
}

// TestPlantedFaults: the suite finds every fault in a backend, and says what is wrong;
// a wrapper that changes nothing passes.
func TestPlantedFaults(t *testing.T) {
	defer judge.Quietly(t)()
	for name, c := range map[string]struct {
		want  string
		plant func(mm.Backend) mm.Backend
	}{
		"nothing":                     {"", func(b mm.Backend) mm.Backend { return struct{ mm.Backend }{b} }},
		"missed flush":                {mm.ErrOrphan.Error(), func(b mm.Backend) mm.Backend { return missing{b} }},
		"nothing is queued":           {mm.ErrOrphan.Error(), func(b mm.Backend) mm.Backend { return deaf{b} }},
		"flush of the wrong page":     {mm.ErrOrphan.Error(), func(b mm.Backend) mm.Backend { return astray{b} }},
		"flush of one of many":        {mm.ErrOrphan.Error(), func(b mm.Backend) mm.Backend { return halved{b} }},
		"stores through a read right": {ErrLostDirty.Error(), func(b mm.Backend) mm.Backend { return lenient{b} }},
		"access refused":              {mm.ErrProtected.Error(), func(b mm.Backend) mm.Backend { return deadEnd{b} }},
		"stale translation": {mm.ErrStale.Error(), func(b mm.Backend) mm.Backend {
			return hoarder{b, new(sync.Mutex), map[pte.Key]mm.Translation{}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			said := suite(func(m *mm.Machine) mm.Backend { return c.plant(mm.NewHash(m)) })
			if c.want == "" {
				require.Empty(t, said)
				return
			}
			require.Regexp(t, c.want, said)
		})
	}
}
