package mm

import "github.com/hashmmu/ppc64/pte"

// Step names an operation that other CPUs can see, in the kernel's words. A
// simulated CPU stops before each of them when it has a [Stepper].
type Step string

// The steps. All of them live in the primitives (locks, PTE updates, hash
// table operations, the hardware access) and nowhere else.
const (
	StepDownRead   Step = "down_read(mmap_sem)"
	StepUpRead     Step = "up_read(mmap_sem)"
	StepDownWrite  Step = "down_write(mmap_sem)"
	StepUpWrite    Step = "up_write(mmap_sem)"
	StepIMmapLock  Step = "i_mmap_lock"
	StepIMmapFree  Step = "i_mmap_unlock"
	StepAnonLock   Step = "anon_vma_lock"
	StepAnonUnlock Step = "anon_vma_unlock"
	StepPTELock    Step = "pte_offset_map_lock"
	StepPTEUnlock  Step = "pte_unmap_unlock"
	StepPTERead    Step = "pte_read"
	StepPTEClear   Step = "pte_clear"
	StepPTEUpdate  Step = "pte_update"
	StepSetPTE     Step = "set_pte_at"
	StepSetBusy    Step = "pte_set_busy"
	StepClearBusy  Step = "pte_clear_busy"
	StepInsert     Step = "hpte_insert"
	StepUpdatePP   Step = "hpte_updatepp"
	StepInvalidate Step = "hpte_invalidate"
	StepRemove     Step = "hpte_remove"
	StepTLBIE      Step = "tlbie"
	StepPage       Step = "find_get_page"
	StepDropPage   Step = "remove_from_page_cache"
	StepSetSize    Step = "i_size_write"
	StepCopy       Step = "copy_page"
	StepAlloc      Step = "alloc_page"
	StepFree       Step = "free_page"
	StepGetPage    Step = "get_page"
	StepPageCount  Step = "page_count"
	StepTrylock    Step = "trylock_page"
	StepUnlockPage Step = "unlock_page"
	StepSplit      Step = "split_huge_page"
	StepAccess     Step = "access"
	StepCoreLock   Step = "core_lock"
	StepCoreUnlock Step = "core_unlock"
	StepIRQSave    Step = "local_irq_save"
	StepIPI        Step = "flush_tlb_ipi"
	StepPostCall   Step = "xcall_deliver"
	StepCheck      Step = "machine_check"
	StepFreeze     Step = "page_ref_freeze"
	StepWritepage  Step = "writepage"
	StepTakeArea   Step = "alloc_vmap_area"
	StepFreeArea   Step = "free_vmap_area"
	StepSwapAdd    Step = "add_to_swap"
	StepSwapRead   Step = "swap_readpage"
	StepMigration  Step = "migration_entry_wait"
	StepQueue      Step = "queued_add"
	StepUnqueue    Step = "queued_remove"
	StepQueued     Step = "queued_look"
	StepRefused    Step = "hash_page_refused"

	// With 64K base pages.
	StepStoreHidx    Step = "pte_set_hidx"
	StepReadHidx     Step = "real_pte"
	StepReadPageSize Step = "get_slice_psize"
	StepDemote       Step = "demote_segment_4k"
	StepSubpageProt  Step = "subpage_prot"
	StepReadSubpage  Step = "subpage_protection"

	// Huge pages.
	StepPMDLock    Step = "pmd_lock"
	StepPMDUnlock  Step = "pmd_unlock"
	StepPopulate   Step = "pmd_populate"
	StepStoreSlot  Step = "mark_hpte_slot_valid"
	StepReadSlots  Step = "get_hpte_slot_array"
	StepFindPTE    Step = "find_linux_pte"
	StepIRQRestore Step = "local_irq_restore"
	StepSerialize  Step = "serialize_against_pte_lookup"
)

// Notes: what a CPU does that no other CPU can see.
const (
	NoteBatchAdd Step = "batch_add"
	NoteSpurious Step = "spurious_fault"
)

// LocKind says what a Loc is.
type LocKind uint8

// The kinds of location.
const (
	LocMmapSem  LocKind = iota // the lock of an address space; ID is its number
	LocIMmap                   // the lock of a mapping
	LocPTL                     // a PTE page lock
	LocPTE                     // a Linux PTE but for its hash bits; ID is context and page
	LocHashBits                // BUSY, HASHPTE and the slot in a Linux PTE; ID as for LocPTE
	LocGroups                  // the two groups of a key; ID is the lower group
	LocStores                  // what the entries there say about stores: PP and C; ID as for LocGroups
	LocTLB                     // a CPU's TLB; ID is the CPU
	LocFile                    // the page cache of a mapping; ID is its number
	LocTruncate                // the truncate count of a mapping; ID is its number
	LocFrames                  // the frame allocator: what is free
	LocFrame                   // a frame: contents, references if private; ID is its number
	LocSoftTLB                 // the software-loaded TLBs, all of them
	LocIRQ                     // whether a processor takes interrupts; ID is its number
	LocCoreLock                // the lock that the threads of a core share; ID is its lock's number
	LocTSB                     // a slot of a TSB; ID is context and slot
	LocAnon                    // the lock of the reverse map of private pages; ID is its number
	LocAreas                   // the addresses that a kernel address space has given out; ID is its context
	LocSwap                    // the swap device, all of it
	LocQueued                  // whether a page is in a batch, where that is recorded; ID as for LocPTE
	LocHidx                    // the second half of a Linux PTE; ID as for LocPTE
	LocPageSize                // by which page size a slice of a space is hashed; ID is context and slice
	LocSlots                   // the slot array of a transparent huge page; ID as for LocPTE
	LocSubpage                 // what is denied to the pieces of a page; ID as for LocPTE
	LocDirty                   // whether a dirty PTE of a page was cleared; ID as for LocFrame
)

// Loc is a location that operations of different CPUs meet at. IDs depend on
// how the machine was set up, not on what ran, so they are equal in every
// execution of one scenario.
type Loc struct {
	Kind LocKind
	ID   uint64
}

// FramesLoc is the frame allocator.
var FramesLoc = Loc{LocFrames, 0}

// TouchKind is how an operation uses a location.
type TouchKind uint8

// How an operation uses a location.
const (
	TouchRead TouchKind = iota
	TouchWrite
	TouchLock    // takes it exclusively
	TouchUnlock  // gives it back
	TouchRLock   // takes it shared
	TouchRUnlock // gives it back
)

// Touch is one use of a location.
type Touch struct {
	Loc  Loc
	Kind TouchKind
}

// Op is what a CPU is about to do.
type Op struct {
	Step    Step
	EA      pte.EA  // the page concerned; 0 where there is none
	Touches []Touch // lent until the Stepper returns
	// Ready tells whether the operation could be done now; nil means always. It
	// changes nothing.
	Ready func() bool
}

// Stepper schedules simulated CPUs: an explorer. Step returns when the
// operation, which must be ready, is to be done; the CPU does it before it calls
// again. Touch adds a use of a location that the operation in hand found out
// about only while it was done. Note reports what no other CPU can see. Saw reports
// what the last operation read, so that a CPU's state is a function of what it saw.
//
// Without a Stepper, CPUs are ordinary goroutines and the cost is a nil check.
type Stepper interface {
	Step(cpu int, op Op)
	Touch(cpu int, t Touch)
	Note(cpu int, n Step, ea pte.EA)
	Saw(cpu int, v uint64)
}

func (c *CPU) note(n Step, ea pte.EA) {
	if c.stepper != nil {
		c.stepper.Note(c.id, n, ea)
	}
}

func (c *CPU) saw(v uint64) {
	if c.stepper != nil {
		c.stepper.Saw(c.id, v)
	}
}

// touch reports a use of a location that the operation in hand found out about.
func (c *CPU) touch(loc Loc, k TouchKind) {
	if c.stepper != nil {
		c.stepper.Touch(c.id, Touch{loc, k})
	}
}

// touchFrame reports that the operation in hand used the contents of a frame.
func (c *CPU) touchFrame(ra pte.RA, k TouchKind) {
	c.touch(c.frameLoc(ra), k)
}

// touchFresh reports that the operation in hand took a free frame.
func (c *CPU) touchFresh(ra pte.RA) {
	c.touchFrame(ra, TouchWrite)
	c.touch(c.dirtyLoc(ra), TouchWrite)
}

// step stops before an operation that is always possible.
func (c *CPU) step(s Step, ea pte.EA, loc Loc, k TouchKind) {
	if c.stepper != nil {
		c.await(s, ea, nil, Touch{loc, k})
	}
}

// runOn does an operation in the step of the one before it.
func (c *CPU) runOn(s Step, ea pte.EA, locs ...Loc) {
	if c.stepper != nil {
		c.note(s, ea)
		for _, l := range locs {
			c.touch(l, TouchWrite)
		}
	}
}

// await stops until the operation is possible. Only called with a Stepper.
func (c *CPU) await(s Step, ea pte.EA, ready func() bool, touches ...Touch) {
	c.touches = append(c.touches[:0], touches...) // touches itself stays on the stack
	c.stepper.Step(c.id, Op{s, ea, c.touches, ready})
}
