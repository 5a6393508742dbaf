package tlb

// E500Params is what differs between the cores of the e500 line.
type E500Params struct {
	TLB0, TLB1 E500Array
	// PageSizes has bit t set if TLB1 takes pages of 1 KiB << t (TLB1PS).
	PageSizes uint32
	// MAV2 cores encode any power of two in TSIZE; MAV 1 cores powers of four.
	MAV2 bool
	PIDs int // PID registers, 1 or 3; PID1 and PID2 exist with 3
	// PIDBits is the width of PID, of TID and of SPID: 8 or 14.
	PIDBits int
	// Hypervisor cores have guest state (MSR[GS], MAS5, MAS8, LPID) and tlbilx.
	Hypervisor bool
	// Indirect cores have indirect entries in TLB1, tlbsrx. and MAS0[WQ, HES].
	Indirect bool
	Is64     bool // 64-bit effective addresses when MSR[CM] is set
	RABits   int  // width of a real address
	Threads  int  // threads that share the TLBs, 1 or 2
}

// E500Array is one of the two TLBs: TLB0, set associative with 4 KiB pages
// only, and TLB1, fully associative with pages of many sizes.
type E500Array struct {
	Entries, Ways int
}

// corrupts is the e500 and e500v2: a hit on several entries, even of different
// arrays, is a programming error; the TLB generates an invalid address,
// entries may be corrupted and no exception is reported (e500 core reference
// manual, 12.3). The OR of the entries is the stand-in.
var corrupts = undefinedMatch

// checksMachine is the e500mc and its successors: a machine check with
// MCSR[L2MMU_MHIT].
var checksMachine = MultiHit{Lookup: CheckMachine, Probe: CheckMachine}

// Page sizes of TLB1.
const (
	sizes4Kto4G = 0x555554   // 4 KiB to 4 GiB in powers of four
	sizesMAV2   = 0x7ffffffc // 4 KiB to 1 TiB
	sizes16G    = 1 << 24
)

// The named profiles of the e500 line (TLBnCFG and MMUCFG of the parts).
var profilesE500 = []Profile{
	{
		Name: "e500v2", Family: E500, MultiHit: corrupts,
		E500: E500Params{
			TLB0: E500Array{512, 4}, TLB1: E500Array{16, 16},
			PageSizes: sizes4Kto4G, PIDs: 3, PIDBits: 8, RABits: 36, Threads: 1,
		},
	},
	{
		Name: "e500mc", Family: E500, MultiHit: checksMachine,
		E500: E500Params{
			TLB0: E500Array{512, 4}, TLB1: E500Array{64, 64},
			PageSizes: sizes4Kto4G, PIDs: 1, PIDBits: 14, RABits: 36, Hypervisor: true, Threads: 1,
		},
	},
	{
		Name: "e5500", Family: E500, MultiHit: checksMachine,
		E500: E500Params{
			TLB0: E500Array{512, 4}, TLB1: E500Array{64, 64},
			PageSizes: sizes4Kto4G, PIDs: 1, PIDBits: 14, RABits: 36, Hypervisor: true, Is64: true, Threads: 1,
		},
	},
	{
		Name: "e6500", Family: E500, MultiHit: checksMachine,
		E500: E500Params{
			TLB0: E500Array{1024, 8}, TLB1: E500Array{64, 64},
			PageSizes: sizesMAV2, MAV2: true, PIDs: 1, PIDBits: 14, RABits: 40,
			Hypervisor: true, Indirect: true, Is64: true, Threads: 2,
		},
	},
}
