package mm

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// ErrConfig reports a machine that cannot be built.
var ErrConfig = errors.New("mm: bad configuration")

// ConfigError names the field that is wrong and its value.
type ConfigError struct {
	Field string
	Value any
	Why   string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("mm: bad configuration: %s = %v: %s", e.Field, e.Value, e.Why)
}

// Unwrap makes errors.Is(err, ErrConfig) true.
func (e *ConfigError) Unwrap() error { return ErrConfig }

// MaxCPUs is the greatest number of CPUs of a machine.
const MaxCPUs = 64

// Config describes a machine. The zero value of a field is a sensible default
// but for Table.
type Config struct {
	Kernel *Kernel    // nil: Linux61
	Table  *hpt.Table // the hash table; required unless there is a Backend
	CPUs   int        // 0: 2
	Frames int        // number of page frames; 0: 1024
	Swap   int        // pages that the swap device holds; 0: as many as there are frames
	// HugeFrames is the number of huge page frames, of 16 MiB each, up to 4096.
	// HugePieces is how many base pages of each have contents, from the first on; 0:
	// all. A machine with less of them is quicker to explore. An access beyond them
	// fails with ErrBus.
	HugeFrames, HugePieces int

	Policy batch.Policy  // nil: the kernel's own
	Nest   batch.Nesting // what leaving an inner lazy section does
	Batch  int           // entries that a batch holds; 0: batch.MaxEntries
	Locks  LockGranularity
	TLB    tlb.CacheConfig
	// LargeNoCache says that cache-inhibited pages of 64K are possible (Linux:
	// MMU_FTR_CI_LARGE_PAGE).
	LargeNoCache bool
	// NoTLB makes CPUs walk for every access, as if nothing were ever cached.
	NoTLB bool
	// Preload makes a page fault put the new translation into the hash table
	// before it returns, as Linux does from update_mmu_cache. NoPreload turns that
	// off, so that the access comes back with a hash fault instead.
	NoPreload bool
	// Countermeasures change the kernel so that there is one translation a page.
	Countermeasures Countermeasures
	// Trace is functions to call at events.
	Trace Trace
	// Stepper schedules the CPUs; nil: they run as ordinary goroutines.
	Stepper Stepper
	// Patience is how often an access may fail before it ends with ErrRefault; 0 means
	// for ever or, with a Stepper, 8. To wait for another CPU that hashes or moves the
	// page is one failure, however long it takes.
	Patience int
	// MergeSteps makes one step of operations of a CPU between which another CPU's
	// step could always be put before or after instead: shorter executions, the same
	// outcomes.
	MergeSteps bool
	// Backend makes the translation hardware of the machine, once it has its CPUs;
	// nil: the hash table.
	Backend func(*Machine) Backend

	_ struct{}
}

// Machine is a hash table, the CPUs that translate through it, frames, and the
// kernel that keeps them in step. Make address spaces and files before CPUs run.
type Machine struct {
	kernel      *Kernel
	table       *hpt.Table
	pageShift   uint   // log2 of the bytes of a base page
	pageSize    pte.EA // bytes of a base page
	frames      *Frames
	cpus        []*CPU
	granularity LockGranularity
	noPreload   bool
	noTLB       bool
	largeCI     bool // Config.LargeNoCache
	merge       bool
	counter     Countermeasures
	queued      *queuedPages // nil unless RefuseQueued
	trace       Trace
	patience    int
	backend     Backend
	swap        swapDevice
	zero        pte.RA // the page of zeroes that reads of untouched memory map

	locks  uint64                   // locks numbered so far
	spaces map[uint64]*AddressSpace // by context
	files  []*Mapping

	kernelSpaces []*KernelSpace
	stamp        atomic.Uint64 // the last stamp given out
	folios       atomic.Bool   // there may be large folios
}

// complete puts the defaults in place of zero values. Kernel is set, and has its Layout.
func (cfg *Config) complete() {
	if cfg.CPUs == 0 {
		cfg.CPUs = 2
	}
	if cfg.Frames == 0 {
		cfg.Frames = 1024
	}
	if cfg.Swap == 0 {
		cfg.Swap = cfg.Frames
	}
	if cfg.HugePieces == 0 {
		cfg.HugePieces = cfg.allPieces()
	}
	if cfg.Patience == 0 && cfg.Stepper != nil {
		cfg.Patience = explorerPatience
	}
	if cfg.Policy == nil {
		cfg.Policy = cfg.Kernel.Policy
	}
	if cfg.Backend == nil && cfg.Table != nil {
		cfg.Backend = NewHash
	}
}

// allPieces is how many base pages a huge page has.
func (cfg *Config) allPieces() int { return hugeSize >> cfg.Kernel.PageSize().Shift() }

// check reports the first field of a complete Config that is out of bounds.
func (cfg *Config) check() error {
	bad := func(field string, value any, why string, args ...any) error {
		return &ConfigError{field, value, fmt.Sprintf(why, args...)}
	}
	k := cfg.Kernel
	switch {
	case cfg.Backend == nil:
		return bad("Table", nil, "no hash table")
	case k.TaskSize > 1<<shapeOf(k).end || k.TaskSize > MaxEA:
		return bad("Kernel", k.Name, "its page table does not reach TaskSize %v", k.TaskSize)
	case cfg.CPUs < 0 || cfg.CPUs > MaxCPUs:
		return bad("CPUs", cfg.CPUs, "not in 1..%d", MaxCPUs)
	case cfg.Frames < 0 || uint64(cfg.Frames) >= pte.RRPN>>k.PageSize().Shift()/2:
		return bad("Frames", cfg.Frames, "negative or beyond the real address range")
	case cfg.Swap < 0:
		return bad("Swap", cfg.Swap, "negative")
	case cfg.HugeFrames < 0 || cfg.HugeFrames > maxHugeFrames:
		return bad("HugeFrames", cfg.HugeFrames, "not in 0..%d", maxHugeFrames)
	case cfg.HugePieces < 0 || cfg.HugePieces > cfg.allPieces():
		return bad("HugePieces", cfg.HugePieces, "not in 0..%d", cfg.allPieces())
	case cfg.Batch < 0 || cfg.Batch > batch.MaxEntries:
		return bad("Batch", cfg.Batch, "not in 0..%d", batch.MaxEntries)
	case !cfg.Locks.Valid():
		return bad("Locks", uint8(cfg.Locks), "no such granularity")
	}
	return nil
}

// maxHugeFrames is how many huge frames a machine can have: 64 GiB of them.
const maxHugeFrames = 1 << 12

// New builds a machine. The error is a [*ConfigError].
func New(cfg Config) (*Machine, error) {
	if cfg.Kernel == nil {
		cfg.Kernel = Linux61
	}
	if k := cfg.Kernel; k.Layout == nil || k.VSID == nil || !k.VSID.HasSeg(pte.Seg256M) {
		return nil, &ConfigError{"Kernel", k.Name, "it has no Layout or no VSID"}
	}
	cfg.complete()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &Machine{
		kernel:      cfg.Kernel,
		table:       cfg.Table,
		pageShift:   cfg.Kernel.PageSize().Shift(),
		pageSize:    pte.EA(cfg.Kernel.PageSize().Bytes()),
		frames:      newFrames(frameBase, cfg.Frames, cfg.Kernel.PageSize(), cfg.HugeFrames, cfg.HugePieces),
		granularity: cfg.Locks,
		noPreload:   cfg.NoPreload,
		noTLB:       cfg.NoTLB,
		largeCI:     cfg.LargeNoCache,
		merge:       cfg.MergeSteps,
		counter:     cfg.Countermeasures,
		trace:       cfg.Trace,
		patience:    cfg.Patience,
		spaces:      make(map[uint64]*AddressSpace),
	}
	if m.counter.RefuseQueued {
		m.queued = &queuedPages{pages: make(map[pte.Key]int)}
	}
	m.swap.slots = make([]swapSlot, 1+cfg.Swap)
	m.zero, _ = m.frames.Alloc(0) // all are free
	m.frames.setAnon(m.zero)
	for i := range cfg.CPUs {
		c, err := newCPU(m, i, &cfg)
		if err != nil {
			return nil, &ConfigError{"TLB", cfg.TLB, err.Error()}
		}
		m.cpus = append(m.cpus, c)
	}
	m.backend = cfg.Backend(m)
	if _, ok := m.backend.(hugeBackend); !ok && cfg.HugeFrames > 0 {
		return nil, &ConfigError{"HugeFrames", cfg.HugeFrames, "the backend has no huge pages"}
	}
	if _, soft := m.backend.(*SoftTLB); soft && cfg.Kernel.PageSize() != pte.Page4K {
		return nil, &ConfigError{"Kernel", cfg.Kernel.Name, "a software-loaded TLB needs one with 4K base pages"}
	}
	return m, nil
}

// frameBase is the real address of the first frame: not zero, so that a real
// address of zero is never a frame.
const frameBase pte.RA = 1 << 24

// CPU returns CPU i. One goroutine at a time may use it.
func (m *Machine) CPU(i int) *CPU { return m.cpus[i] }

// CPUs is the number of CPUs.
func (m *Machine) CPUs() int { return len(m.cpus) }

// Kernel returns the kernel profile.
func (m *Machine) Kernel() *Kernel { return m.kernel }

// Table returns the hash table.
func (m *Machine) Table() *hpt.Table { return m.table }

// Frames returns the frame allocator.
func (m *Machine) Frames() *Frames { return m.frames }

// Space returns the address space with the given context number, nil if there
// is none.
func (m *Machine) Space(context uint64) *AddressSpace { return m.spaces[context] }

// NewStamp returns page contents never seen before.
func (m *Machine) NewStamp() uint64 { return m.stamp.Add(1) }

// NewestStamp is the last stamp that NewStamp gave out.
func (m *Machine) NewestStamp() uint64 { return m.stamp.Load() }

// ErrContext reports a context number that a new address space cannot have.
var ErrContext = errors.New("mm: bad context number")

// checkContext reports a context number that is taken or has no VSIDs of its own.
func (m *Machine) checkContext(context uint64) error {
	if m.spaces[context] != nil {
		return fmt.Errorf("%w: %d is taken", ErrContext, context)
	}
	if last := m.kernel.VSID.MaxContext(); context > last {
		return fmt.Errorf("%w: %d, the last is %d", ErrContext, context, last)
	}
	return nil
}

// NewAddressSpace returns an empty address space with the given context number. It
// panics with ErrContext when another space has it, one that has exited included,
// and beyond [pte.VSIDScheme.MaxContext]: two spaces would then share entries.
func (m *Machine) NewAddressSpace(context uint64) *AddressSpace {
	if err := m.checkContext(context); err != nil {
		panic(err)
	}
	as := &AddressSpace{m: m, context: context, pgd: newPGD(m.kernel)}
	if len(m.frames.freeHuge) > 0 {
		as.huge = newHugeTable()
	}
	as.mmapSem.init(m, rankMmapSem)
	as.anon.iMmapLock.init(m, rankAnon)
	for i := range as.pageTableLocks {
		as.pageTableLocks[i].init(m, rankPTL)
	}
	m.spaces[context] = as
	return as
}

// cpuSet is a set of CPUs that only grows (Linux: mm_cpumask).
type cpuSet struct{ bits atomic.Uint64 }

func (s *cpuSet) add(cpu int) {
	if b := uint64(1) << cpu; s.bits.Load()&b == 0 {
		s.bits.Or(b)
	}
}

func (s *cpuSet) has(cpu int) bool { return s.bits.Load()>>cpu&1 != 0 }

// only reports whether no CPU but the given one is in the set.
func (s *cpuSet) only(cpu int) bool { return s.bits.Load()&^(1<<cpu) == 0 }

// all calls f for each CPU in the set.
func (s *cpuSet) all(f func(cpu int)) {
	for b := s.bits.Load(); b != 0; b &= b - 1 {
		f(bits.TrailingZeros64(b))
	}
}
