//go:build amd64 && !race && !purego && !explore

// The operations with AVX-512.

#define AVX512
#define ·scan ·scanAVX512
#define ·find ·findAVX512
#define ·place ·placeAVX512
#define ·contend ·contendAVX512
#define ·locked ·lockedAVX512
#define ·lookupChunk ·lookupChunkAVX512
#define ·insertChunk ·insertChunkAVX512

#include "key_amd64.h"
#include "scan_amd64.h"
#include "lookup_amd64.h"
#include "insert_amd64.h"
#include "unique_amd64.h"
#include "batch_amd64.h"
