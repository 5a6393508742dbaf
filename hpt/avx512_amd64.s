//go:build amd64 && !race && !purego && !explore

// The operations with AVX-512.

#define AVX512
#define ·scan ·scanAVX512
#define ·lookup ·lookupAVX512

#include "scan_amd64.h"
#include "lookup_amd64.h"
