//go:build !explore

package sched

import (
	"runtime"
	"sync/atomic"
)

// Exploring says that steps call the hook.
const Exploring = false

// LoadUint64 is atomic.LoadUint64.
func LoadUint64(p *uint64) uint64 { return atomic.LoadUint64(p) }

// StoreUint64 is atomic.StoreUint64.
func StoreUint64(p *uint64, v uint64) { atomic.StoreUint64(p, v) }

// CompareAndSwapUint64 is atomic.CompareAndSwapUint64.
func CompareAndSwapUint64(p *uint64, old, new uint64) bool {
	return atomic.CompareAndSwapUint64(p, old, new)
}

// AddUint64 is atomic.AddUint64.
func AddUint64(p *uint64, delta uint64) uint64 { return atomic.AddUint64(p, delta) }

// Unique returns a number that no other call with this p returns.
func Unique(p *uint64) uint64 { return atomic.AddUint64(p, 1) }

// AwaitChange gives the processor away because *p was seen as v and there is
// nothing to do before it changes. It may return before that.
func AwaitChange(p *uint64, v uint64) { runtime.Gosched() }
