package bolt

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// maxAnswer is how long an answer may be.
const maxAnswer = 4 << 20

var errTooLong = errors.New("the server's answer is too long")

// frame appends a message as chunks of a size and so many bytes, and the empty one that ends it (Bolt manual, "Message transfer encoding").
func frame(to, message []byte) []byte {
	for len(message) > 0 {
		n := min(len(message), math.MaxUint16)
		to = binary.BigEndian.AppendUint16(to, uint16(n))
		to, message = append(to, message[:n]...), message[n:]
	}
	return append(to, 0, 0)
}

// readFrame reads one message. alive is called before each chunk: empty ones between messages say that the server is still at it.
func readFrame(r *bufio.Reader, alive func() error) ([]byte, error) {
	var message []byte
	for {
		if err := alive(); err != nil {
			return nil, err
		}
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n == 0 && len(message) > 0 {
			return message, nil
		}
		if len(message)+n > maxAnswer {
			return nil, errTooLong
		}
		at := len(message)
		message = append(message, make([]byte, n)...)
		if _, err := io.ReadFull(r, message[at:]); err != nil {
			return nil, err
		}
	}
}

// Tags of messages (Bolt manual, "Bolt Protocol message specification").
const (
	tagHello   = 0x01
	tagGoodbye = 0x02
	tagReset   = 0x0F
	tagRun     = 0x10
	tagBegin   = 0x11
	tagCommit  = 0x12
	tagPull    = 0x3F
	tagLogon   = 0x6A

	tagSuccess = 0x70
	tagRecord  = 0x71
	tagIgnored = 0x7E
	tagFailure = 0x7F
)

// Failure is a server's no.
type Failure struct {
	Code        string // "Neo.ClientError.Statement.SyntaxError"; none in a cause
	Message     string
	Status      string // of GQL, "42001"; "" before Bolt 5.7
	Description string // of that status
	Cause       *Failure
}

// Error is code and message, as the server sent them.
func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// failureOf reads FAILURE's field. The key of the code is another one from Bolt 5.7; what is missing is left empty.
func failureOf(meta map[string]any) *Failure {
	text := func(key string) string { s, _ := meta[key].(string); return s }
	f := &Failure{Code: text("neo4j_code"), Message: text("message"), Status: text("gql_status"), Description: text("description")}
	if f.Code == "" {
		f.Code = text("code")
	}
	if cause, ok := meta["cause"].(map[string]any); ok {
		f.Cause = failureOf(cause)
	}
	return f
}

// answer is how a server ended what it says to a message: with SUCCESS, IGNORED or FAILURE.
type answer struct {
	tag  byte
	meta map[string]any
}

// answerOf reads a message. record says that it is a row, with which no answer ends.
func answerOf(message []byte) (a answer, record bool, err error) {
	if len(message) > 1 && message[0] == markerTinyStruct|1 && message[1] == tagRecord {
		return answer{}, true, nil
	}
	v, err := unpack(message)
	if err != nil {
		return answer{}, false, err
	}
	s, ok := v.(structure)
	switch {
	case ok && s.tag == tagIgnored:
		return answer{tag: tagIgnored}, false, nil
	case ok && (s.tag == tagSuccess || s.tag == tagFailure) && len(s.fields) == 1:
		meta, ok := s.fields[0].(map[string]any)
		if ok {
			return answer{s.tag, meta}, false, nil
		}
	}
	return answer{}, false, fmt.Errorf("the server's answer is none of Bolt's: 0x%02X of %d fields", s.tag, len(s.fields))
}

// silenceOf is how long a server says that it is never silent, in the hints of its answer to HELLO (Bolt manual, "Connection hints").
func silenceOf(meta map[string]any) time.Duration {
	hints, _ := meta["hints"].(map[string]any)
	seconds, _ := hints["connection.recv_timeout_seconds"].(int64)
	if seconds < 1 || seconds > int64(maxSilence/time.Second) {
		return maxSilence
	}
	return time.Duration(seconds) * time.Second
}
