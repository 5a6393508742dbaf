//go:build amd64 && !race && !purego && !explore

// The operations with AVX-512.

#define AVX512
#define ·scan ·scanAVX512
#define ·lookup ·lookupAVX512
#define ·insert ·insertAVX512
#define ·unique ·uniqueAVX512
#define ·uniqueLocked ·uniqueLockedAVX512
#define ·lookupChunk ·lookupChunkAVX512

#include "scan_amd64.h"
#include "key_amd64.h"
#include "lookup_amd64.h"
#include "insert_amd64.h"
#include "unique_amd64.h"
#include "batch_amd64.h"
