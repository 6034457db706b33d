package neo4jtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// confEntry is one key of neo4j.conf.
type confEntry struct {
	key, value string
	line       int
}

// readConf reads neo4j.conf; a missing file is an empty one, and so is no path.
func readConf(path string) ([]confEntry, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &serverError{"Failed to read config " + path + ": ", err}
	}
	entries, err := parseConf(data)
	if err != nil {
		return nil, &serverError{"Failed to read config " + path + ": ", err}
	}
	return entries, nil
}

// parseConf reads the key=value lines of neo4j.conf (docs: The neo4j.conf file): ISO 8859-1, comments only from the start of a line, a backslash at the end
// of a line continues it, and the escapes of Java properties apply.
func parseConf(data []byte) ([]confEntry, error) {
	var entries []confEntry
	lines := strings.Split(strings.ReplaceAll(latin1(data), "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line, first := strings.TrimLeft(lines[i], " \t\f"), i
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + strings.TrimLeft(lines[i], " \t\f")
		}
		key, value, found := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !found || key == "" {
			return nil, fmt.Errorf("line %d: not of the form key=value: %q", first+1, line)
		}
		value, err := unescapeConf(strings.TrimLeft(value, " \t\f"))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", first+1, err)
		}
		if strings.HasPrefix(value, "$(") && strings.HasSuffix(value, ")") {
			return nil, &serverError{text: value + " is a command, but config is not explicitly told to expand it. (Missing --expand-commands argument?)"}
		}
		entries = append(entries, confEntry{key, value, first + 1})
	}
	return entries, nil
}

// serverError is a refusal in the server's own words, which begin with a capital and may end in a full stop.
type serverError struct {
	text  string
	cause error
}

// Error is the text, and what caused it.
func (e *serverError) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + e.cause.Error()
}

// Unwrap is the cause, nil when there is none.
func (e *serverError) Unwrap() error { return e.cause }

// serverWords is a serverError without a cause.
func serverWords(format string, args ...any) error {
	return &serverError{text: fmt.Sprintf(format, args...)}
}

// latin1 decodes ISO 8859-1, the charset of neo4j.conf unless the environment says otherwise.
func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

// continues says that a line ends in an odd number of backslashes.
func continues(line string) bool {
	n := len(line) - len(strings.TrimRight(line, `\`))
	return n%2 == 1
}

func unescapeConf(value string) (string, error) {
	if !strings.Contains(value, `\`) {
		return value, nil
	}
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			if value[i] != '\\' {
				out.WriteByte(value[i])
			}
			continue
		}
		i++
		switch value[i] {
		case 't':
			out.WriteByte('\t')
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 'f':
			out.WriteByte('\f')
		case 'u':
			if i+5 > len(value) {
				return "", errors.New("malformed \\uxxxx encoding")
			}
			code, err := strconv.ParseUint(value[i+1:i+5], 16, 16)
			if err != nil {
				return "", errors.New("malformed \\uxxxx encoding")
			}
			out.WriteRune(rune(code))
			i += 4
		default:
			out.WriteByte(value[i])
		}
	}
	return out.String(), nil
}
