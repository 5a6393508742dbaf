package image

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
)

const bufferBytes = 1 << 18

// Decompress returns what r holds: decompressed when it begins as gzip does, else
// as it is. The error is that of a bad gzip header.
func Decompress(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, bufferBytes)
	magic, err := b.Peek(2)
	if err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return gzip.NewReader(b)
	}
	return b, nil
}

// source reads numbers and knows how far it has come. The first error stays.
type source struct {
	r      *bufio.Reader
	offset int64
	order  binary.ByteOrder
	err    error
}

func newSource(r io.Reader, order binary.ByteOrder) *source {
	b, ok := r.(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(r, bufferBytes)
	}
	return &source{r: b, order: order}
}

// bytes fills b. Input that ends within is io.ErrUnexpectedEOF.
func (s *source) bytes(b []byte, what string) {
	if s.err != nil {
		clear(b)
		return
	}
	n, err := io.ReadFull(s.r, b)
	if err != nil {
		clear(b)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		s.err = &FormatError{s.offset, what + " is cut short", ErrFormat, err}
	}
	s.offset += int64(n)
}

func (s *source) u8(what string) uint8 {
	var b [1]byte
	s.bytes(b[:], what)
	return b[0]
}

func (s *source) u16(what string) uint16 {
	var b [2]byte
	s.bytes(b[:], what)
	return s.order.Uint16(b[:])
}

func (s *source) u32(what string) uint32 {
	var b [4]byte
	s.bytes(b[:], what)
	return s.order.Uint32(b[:])
}

func (s *source) u64(what string) uint64 {
	var b [8]byte
	s.bytes(b[:], what)
	return s.order.Uint64(b[:])
}

// skip passes over n bytes without keeping them.
func (s *source) skip(n int64, what string) {
	if s.err != nil {
		return
	}
	m, err := io.CopyN(io.Discard, s.r, n)
	s.offset += m
	if err != nil {
		s.err = &FormatError{s.offset, what + " is cut short", ErrFormat, io.ErrUnexpectedEOF}
	}
}

// atEnd reports whether the input is over.
func (s *source) atEnd() bool {
	if s.err != nil {
		return false
	}
	_, err := s.r.Peek(1)
	return errors.Is(err, io.EOF)
}

// fail records an error at an offset, unless there is one already.
func (s *source) fail(offset int64, kind error, what string) {
	if s.err == nil {
		s.err = &FormatError{offset, what, kind, nil}
	}
}
