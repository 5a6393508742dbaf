package tlb

// microTLB is what hits are answered from the second time, as the micro-TLBs of
// real parts (ITLB and DTLB, shadow TLBs) do, but one that nobody can notice (T2).
// A hit that it keeps was the only one, and holds for the same page, kind of
// access and registers, as long as no entry has been written or removed since. So
// whatever could add a second match, or take the first away, empties it.
type microTLB struct {
	hits []microHit // direct-mapped; a power of two
}

// microHit is a translation that was done.
type microHit struct {
	tag   uint64 // of microTag
	ctx   uint64 // the registers that decided, as far as they are not in the tag
	gen   uint64 // array.gen then
	page  uint64 // physical address
	entry int32
	shift uint8
	prot  Access
	attr  uint8 // what else the family's result has
}

// A microHit is about a piece of 4 KiB, the smallest page of most parts. Nothing
// is kept while there are smaller pages: one could match beside it elsewhere in
// the piece.
const (
	microShift  = 12
	microOffset = 1<<microShift - 1
)

// newMicroTLB makes one for a TLB of some entries: large enough that a load and
// a store to each rarely meet.
func newMicroTLB(entries int) microTLB {
	n := 64
	for n < 2*entries && n < 1024 {
		n *= 2
	}
	return microTLB{make([]microHit, n)}
}

// microTag is the page of va, the kind of access and 9 bits of the family's own.
func microTag(va uint64, acc Access, own uint64) uint64 {
	return va&^microOffset | own<<3 | uint64(acc)
}

// at is where the translation of a tag is, if anywhere.
func (t *microTLB) at(tag uint64) *microHit {
	return &t.hits[(tag>>microShift^tag>>19^tag<<5)&uint64(len(t.hits)-1)]
}

func (m *microHit) is(tag, ctx, gen uint64) bool {
	return m.tag == tag && m.ctx == ctx && m.gen == gen
}

func (m *microHit) result(va uint64) Result {
	return translated(m.page|va&microOffset, Hit{1, m.entry, -1}, m.shift, m.prot)
}

// keep takes a result in, unless it is a fault or there are more matches.
func (m *microHit) keep(tag, ctx, gen uint64, r Result, attr uint8) {
	if r.OK() && r.Hit.N == 1 {
		*m = microHit{tag, ctx, gen, r.PA &^ microOffset, r.Hit.First, r.Shift, r.Prot, attr}
	}
}

// microMSR packs the bits of a PowerPC MSR that take part in translation: IS and
// DS, PR, GS, CM.
func microMSR(msr uint32) uint64 { return uint64(msr>>4&3 | msr>>12&4 | msr>>25&0x48) }
