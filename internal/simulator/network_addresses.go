package simulator

import (
	"net/netip"
)

// plus and minus move an address.
func plus(a netip.Addr, steps uint64) netip.Addr { return move(a, steps, false) }

func minus(a netip.Addr, steps uint64) netip.Addr { return move(a, steps, true) }

func move(a netip.Addr, steps uint64, down bool) netip.Addr {
	bytes := a.AsSlice()
	for at := len(bytes) - 1; at >= 0 && steps > 0; at-- {
		step := steps & 0xff
		steps >>= 8
		sum := uint64(bytes[at]) + step
		if down {
			sum = uint64(bytes[at]) + 256 - step
		}
		bytes[at] = byte(sum)
		if !down && sum > 255 {
			steps++
		}
		if down && sum < 256 {
			steps++
		}
	}
	moved, _ := netip.AddrFromSlice(bytes)
	return moved
}

// lastAddress is the last address of a prefix.
func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
