package mmu

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// CPU is one virtual processor's memory management unit. One goroutine uses it
// at a time; the Table and the Domain are what CPUs share. Do not copy it.
type CPU struct {
	_     noCopy
	cfg   Config
	sizes *pte.Sizes
	regs  Registers
	part  [2]partition   // by whose it is: hypervisor, partition
	modes [2]mode        // by access: data, fetch
	keys  [32]pte.Access // what AMR and IAMR leave of each key's pages
	slb   slb
	cache *cache // nil without a software TLB

	queue  queue    // flushes since the last Drain
	mail   *mailbox // flushes from other CPUs, nil without a Domain
	synced uint64   // the Domain's count when this CPU last sent
}

// noCopy makes go vet report copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// New makes a CPU with an empty SLB and registers of zero, that is in real
// mode. A Config that cannot be used is a [*ConfigError].
func New(cfg Config) (*CPU, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	c := &CPU{cfg: cfg, sizes: cfg.Quirks.Sizes(cfg.Sizes)}
	c.regs.AMOR = ^uint64(0)
	c.setKeys(^uint64(0))
	if cfg.TLB != 0 {
		c.cache = newCache(cfg.TLB)
	}
	c.useTable(cfg.Table)
	c.setModes()
	if cfg.Domain != nil {
		c.mail = cfg.Domain.join()
	}
	return c, nil
}

// Config returns the configuration, defaults filled in.
func (c *CPU) Config() Config { return c.cfg }

// Table returns the table by which the present MSR[HV] translates, nil if none.
func (c *CPU) Table() *hpt.Table { return c.part[c.owner()].table }

// SetTable puts a table in force, for the hypervisor and the partition alike, as
// after a resize. Every cached translation is dropped. nil means none.
func (c *CPU) SetTable(t *hpt.Table) {
	if c.part[0].table == t && c.part[1].table == t {
		return
	}
	c.useTable(t)
	c.setModes()
	c.flush(Flush{Kind: FlushTranslated})
}

func (c *CPU) useTable(t *hpt.Table) {
	for i := range c.part {
		c.part[i] = partition{table: t}
	}
}

// Close takes the CPU out of its Domain. It must not be used after.
func (c *CPU) Close() {
	if c.mail != nil {
		c.cfg.Domain.leave(c.mail)
		c.mail = nil
	}
}
