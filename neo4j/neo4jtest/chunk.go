package neo4jtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"time"
)

const (
	maxChunk   = math.MaxUint16
	readAhead  = 32 << 10 // of what a client sends together
	lingerTime = time.Second
	lingerSize = 1 << 20
)

var errMessageTooLong = errors.New("bolt: message is too long")

// wire is the framing of one connection: messages cut into chunks, each behind a 2-byte length, ended by an empty chunk (Bolt manual, "Message transfer
// encoding"). It has no deadline for reading but that of the connection; writing has writeTime.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
}

func newWire(conn net.Conn) *wire {
	return &wire{conn: conn, r: bufio.NewReaderSize(conn, readAhead), w: bufio.NewWriter(patientWriter{conn})}
}

// patientWriter gives every write its own deadline, so that a peer that stops reading cannot hold a transaction open.
type patientWriter struct{ conn net.Conn }

// Write writes all of b, or fails when the peer does not take it in time.
func (p patientWriter) Write(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return p.conn.Write(b)
}

// readMessage returns the next message of at most limit bytes. Empty chunks before it are keep-alives. Memory is taken one chunk
// at a time as bytes arrive.
func (w *wire) readMessage(limit int) ([]byte, error) {
	var message []byte
	for {
		var head [2]byte
		if _, err := io.ReadFull(w.r, head[:]); err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint16(head[:]))
		if n == 0 {
			if len(message) > 0 {
				return message, nil
			}
			continue
		}
		if len(message)+n > limit {
			return nil, errMessageTooLong
		}
		chunk, err := w.readChunk(n)
		if err != nil {
			return nil, err
		}
		message = append(message, chunk...)
	}
}

func (w *wire) readChunk(n int) ([]byte, error) {
	chunk := make([]byte, n)
	_, err := io.ReadFull(w.r, chunk)
	return chunk, err
}

// writeMessage buffers one message.
func (w *wire) writeMessage(message []byte) error {
	_, err := w.w.Write(appendChunks(nil, message))
	return err
}

// appendChunks appends message as chunks, with the empty one that ends it.
func appendChunks(to, message []byte) []byte {
	for len(message) > 0 {
		n := min(len(message), maxChunk)
		to = append(binary.BigEndian.AppendUint16(to, uint16(n)), message[:n]...)
		message = message[n:]
	}
	return append(to, 0, 0)
}

// linger sends what is buffered and ends our side, then reads on for a moment: closing a socket that holds unread bytes resets it, and a reset can
// overtake the FAILURE that the peer should see. It does not close the connection.
func (w *wire) linger() {
	if w.w.Flush() != nil || w.conn.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	half, ok := w.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, w.conn, lingerSize) // whatever ends it, the connection is closed next
}

// newBounded reads at most limit bytes of r.
func newBounded(r io.Reader, limit int64) *bufio.Reader {
	return bufio.NewReader(io.LimitReader(r, limit))
}
