package triage

import "hash/maphash"

// exactPlayers is up to how many players are counted exactly. The set takes some 40 MiB at most.
const exactPlayers = 1 << 20

// players counts distinct openids: exactly by a 64-bit hash of each up to a bound, and by a sample of them beyond.
//
// The sample is of those whose hash ends in a number of zeros, one more each time that it would grow beyond the bound
// (M. Wegman's adaptive sampling). Its relative error is about 1.2/√bound.
type players struct {
	most   int
	seed   maphash.Seed
	hashes map[uint64]struct{}
	zeros  int
}

func newPlayers(most int) *players {
	return &players{most: most, seed: maphash.MakeSeed(), hashes: map[uint64]struct{}{}}
}

func (p *players) add(openID []byte) {
	hash := maphash.Bytes(p.seed, openID)
	if !p.sampled(hash) {
		return
	}
	p.hashes[hash] = struct{}{}
	for len(p.hashes) > p.most {
		p.zeros++
		for hash := range p.hashes {
			if !p.sampled(hash) {
				delete(p.hashes, hash)
			}
		}
	}
}

func (p *players) sampled(hash uint64) bool { return hash&(1<<p.zeros-1) == 0 }

func (p *players) count() Players {
	return Players{Count: int64(len(p.hashes)) << p.zeros, Approximate: p.zeros > 0}
}
