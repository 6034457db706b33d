package neo4jtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strings"
)

// version is a version of Bolt.
type version struct{ major, minor byte }

// String is "5.8".
func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

// atLeast says whether v is major.minor or later.
func (v version) atLeast(major, minor byte) bool {
	return v.major > major || v.major == major && v.minor >= minor
}

// supportedVersions are those that Neo4j 5.26 speaks, oldest first; 5.5 was never released (seen on Neo4j 5.26 Community).
func supportedVersions() []version {
	return []version{
		{4, 0}, {4, 1}, {4, 2}, {4, 3}, {4, 4},
		{5, 0}, {5, 1}, {5, 2}, {5, 3}, {5, 4}, {5, 6}, {5, 7}, {5, 8},
	}
}

// offered is what a listener offers when asked to limit itself to wanted (nil for no limit), oldest first.
func offered(wanted []version) []version {
	all := supportedVersions()
	if wanted == nil {
		return all
	}
	return slices.DeleteFunc(all, func(v version) bool { return !slices.Contains(wanted, v) })
}

// boltVersions reads versions as they are written, "5.4"; nil for none.
func boltVersions(names []string) ([]version, error) {
	var versions []version
	for _, name := range names {
		i := slices.IndexFunc(supportedVersions(), func(v version) bool { return v.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("version %q of Bolt is not emulated", name)
		}
		versions = append(versions, supportedVersions()[i])
	}
	return versions, nil
}

const (
	magic         = "\x60\x60\xB0\x17"
	httpGet       = "GET "
	maxHTTPHeader = 16 << 10
)

// shakeHands agrees on a version (Bolt manual, "Handshake"). Not ok means that the connection must be closed; the answer, if there is one, is buffered.
func shakeHands(w *wire, offer []version) (v version, ok bool) {
	var head [4]byte
	if _, err := io.ReadFull(w.r, head[:]); err != nil {
		return version{}, false
	}
	switch string(head[:]) {
	case magic:
		return negotiate(w, offer)
	case httpGet:
		answerHTTP(w)
	}
	return version{}, false
}

// negotiate takes the first of four proposals that can be satisfied, in the client's order.
func negotiate(w *wire, offer []version) (version, bool) {
	var proposals [4][4]byte
	for i := range proposals {
		if _, err := io.ReadFull(w.r, proposals[i][:]); err != nil {
			return version{}, false
		}
	}
	for _, p := range proposals {
		if p == [4]byte{0, 0, 1, 0xFF} {
			return negotiateManifest(w, offer)
		}
		if v, ok := satisfy(p, offer); ok {
			return v, reply(w, []byte{0, 0, v.minor, v.major})
		}
	}
	reply(w, make([]byte, 4))
	return version{}, false
}

// satisfy finds the highest offered version in a proposal: a reserved byte, how many minors before it will do as well, the minor, the major.
func satisfy(p [4]byte, offer []version) (version, bool) {
	for _, v := range slices.Backward(offer) {
		if p[0] == 0 && v.major == p[3] && v.minor <= p[2] && int(v.minor) >= int(p[2])-int(p[1]) {
			return v, true
		}
	}
	return version{}, false
}

// negotiateManifest lists all versions and an empty mask of capabilities, and lets the client choose (manifest style, version 1).
func negotiateManifest(w *wire, offer []version) (version, bool) {
	ranges := manifestRanges(offer)
	out := binary.AppendUvarint([]byte{0, 0, 1, 0xFF}, uint64(len(ranges)))
	for _, r := range ranges {
		out = append(out, r[:]...)
	}
	if !reply(w, append(out, 0)) {
		return version{}, false
	}
	var chosen [4]byte
	if _, err := io.ReadFull(w.r, chosen[:]); err != nil {
		return version{}, false
	}
	capabilities, err := binary.ReadUvarint(w.r)
	v := version{major: chosen[3], minor: chosen[2]}
	// A choice is one version: a range, or a capability that was not offered, is no answer to the offer.
	ok := err == nil && capabilities == 0 && chosen[0] == 0 && chosen[1] == 0 && slices.Contains(offer, v)
	return v, ok
}

// manifestRanges joins neighbouring minors: 5.6, 5.7 and 5.8 are told as 00 02 08 05.
func manifestRanges(offer []version) [][4]byte {
	var ranges [][4]byte
	for _, v := range offer {
		if n := len(ranges); n > 0 && ranges[n-1][3] == v.major && ranges[n-1][2]+1 == v.minor {
			ranges[n-1][1]++
			ranges[n-1][2]++
			continue
		}
		ranges = append(ranges, [4]byte{0, 0, v.minor, v.major})
	}
	return ranges
}

// reply sends bytes of the handshake at once.
func reply(w *wire, b []byte) bool {
	_, err := w.w.Write(b)
	return err == nil && w.w.Flush() == nil
}

// answerHTTP answers a browser that came to the Bolt port, as Neo4j Community does: 200 and nothing. Bolt over WebSocket is not emulated, and says so.
func answerHTTP(w *wire) {
	head := textproto.NewReader(newBounded(w.r, maxHTTPHeader))
	if _, err := head.ReadLine(); err != nil {
		return
	}
	header, err := head.ReadMIMEHeader()
	if err != nil {
		return
	}
	status, kind, body := "200 OK", "application/json", ""
	if strings.EqualFold(header.Get("Upgrade"), "websocket") {
		status, kind, body = "501 Not Implemented", "text/plain", "Bolt over WebSocket is not emulated.\n"
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %s\r\ncontent-type: %s\r\nvary: Accept\r\naccess-control-allow-origin: *\r\n", status, kind)
	fmt.Fprintf(&out, "content-length: %d\r\nconnection: close\r\n\r\n%s", len(body), body)
	reply(w, out.Bytes())
}
