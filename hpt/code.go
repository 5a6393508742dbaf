package hpt

import "fmt"

// Code is the machine code that carries out the operations on a table. They
// differ in speed and in nothing else: every one falls back on the plain Go of
// [CodeGo] for what is rare.
type Code uint8

// The versions.
const (
	// CodeBest stands for the fastest that the processor and the build have.
	CodeBest Code = iota
	// CodeGo is plain Go over loads and compare-and-swaps of one slot.
	CodeGo
	// CodeAVX2 is assembly for amd64 with AVX2, BMI1, BMI2 and CMPXCHG16B.
	CodeAVX2
	// CodeAVX512 is that with the F, BW, DQ and VL parts of AVX-512 as well.
	CodeAVX512
)

var codeNames = [...]string{"best", "go", "avx2", "avx512"}

// String gives best, go, avx2 or avx512.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("Code(%d)", uint8(c))
}

// choose returns the version that a configuration comes to. Under the build tags
// race, purego and explore, and without 16-byte steps, there is plain Go only.
func (c *Config) choose(native bool) (Code, error) {
	best := CodeGo
	if native {
		best = bestCode()
	}
	switch {
	case c.Code > best:
		return 0, &ConfigError{Field: "Code", Value: int64(c.Code), Why: fmt.Sprintf("this build has no more than %v on this processor", best)}
	case c.watched():
		return CodeGo, nil
	case c.Code == CodeBest:
		return best, nil
	}
	return c.Code, nil
}
