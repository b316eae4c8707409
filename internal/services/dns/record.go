package dns

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// recordTypes are those that Designate knows, without the SOA, which is its own.
func recordTypes() []string {
	return []string{"A", "AAAA", "CAA", "CERT", "CNAME", "MX", "NAPTR", "NS", "PTR", "SPF", "SRV", "SSHFP", "TXT"}
}

// canonical is a record as Designate takes it. Two records that mean the same are the same in this form.
func canonical(kind, record string) (string, error) {
	record = strings.TrimSpace(record)
	if record == "" && kind != "TXT" {
		return "", errors.New("it must not be empty")
	}
	switch kind {
	case "A", "AAAA":
		return address(kind, record)
	case "CNAME", "NS", "PTR":
		return target(record)
	case "MX":
		return numbered(record, "preference and name of the mail server, such as 10 mail.example.com.", 1)
	case "SRV":
		return numbered(record, "priority, weight, port and name of the server, such as 10 5 5060 sip.example.com.", 3)
	case "TXT", "SPF":
		content, err := textOf(record)
		return quoted(content), err
	case "CAA":
		return authorization(record)
	case "SSHFP":
		return fingerprint(record)
	}
	return record, nil
}

func address(kind, record string) (string, error) {
	at, err := netip.ParseAddr(record)
	switch {
	case err != nil || at.Zone() != "":
		return "", fmt.Errorf("a record of type %s is an address, and %q is none", kind, record)
	case kind == "A" && !at.Is4():
		return "", fmt.Errorf("a record of type A is an IPv4 address; %s is for a record set of type AAAA", record)
	case kind == "AAAA" && !at.Is6():
		return "", fmt.Errorf("a record of type AAAA is an IPv6 address; %s is for a record set of type A", record)
	}
	return at.String(), nil
}

// numbered is a record of some numbers and a name.
func numbered(record, form string, count int) (string, error) {
	fields := strings.Fields(record)
	if len(fields) != count+1 {
		return "", fmt.Errorf("it must be %s", form)
	}
	for i, f := range fields[:count] {
		n, err := strconv.ParseUint(f, 10, 16)
		if err != nil {
			return "", fmt.Errorf("it must be %s, with numbers from 0 to 65535: %s is none", form, f)
		}
		fields[i] = strconv.FormatUint(n, 10)
	}
	name, err := target(fields[count])
	if err != nil {
		return "", err
	}
	fields[count] = name
	return strings.Join(fields, " "), nil
}

// authorization is a CAA record. Designate takes the value without the quotes that zone files have around it.
func authorization(record string) (string, error) {
	const form = `it must be flags, tag and value, such as 0 issue "letsencrypt.org"`
	fields := strings.Fields(record)
	if len(fields) < 3 {
		return "", errors.New(form)
	}
	flags, err := strconv.ParseUint(fields[0], 10, 8)
	if err != nil {
		return "", fmt.Errorf("%s; flags are a number from 0 to 255, and %s is none", form, fields[0])
	}
	tags := []string{"issue", "issuewild", "iodef", "issuemail", "contactemail", "contactphone"}
	tag := strings.ToLower(fields[1])
	if !slices.Contains(tags, tag) {
		return "", fmt.Errorf("%s; the tag is one of %s, and not %s", form, strings.Join(tags, ", "), fields[1])
	}
	value := strings.Join(fields[2:], " ")
	bare, opened := strings.CutPrefix(value, `"`)
	bare, closed := strings.CutSuffix(bare, `"`)
	if opened != closed || strings.Contains(bare, `"`) {
		return "", fmt.Errorf("%s; a quote is missing or too many", form)
	}
	return fmt.Sprintf("%d %s %s", flags, tag, bare), nil
}

var hexadecimal = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func fingerprint(record string) (string, error) {
	fields := strings.Fields(strings.ToLower(record))
	if len(fields) != 3 || !hexadecimal.MatchString(fields[2]) {
		return "", errors.New("it must be algorithm, type and fingerprint, as ssh-keyscan -D writes them: 4 2 and 64 hexadecimal digits")
	}
	for _, f := range fields[:2] {
		if _, err := strconv.ParseUint(f, 10, 8); err != nil {
			return "", fmt.Errorf("algorithm and type of a fingerprint are numbers from 0 to 255, and %s is none", f)
		}
	}
	return strings.Join(fields, " "), nil
}

// textOf is the content of a text record, be it written as it is or as in a zone file: "one" "two".
func textOf(record string) (string, error) {
	if !strings.HasPrefix(record, `"`) {
		return record, nil
	}
	var content strings.Builder
	inside := false
	for i := 0; i < len(record); i++ {
		c := record[i]
		switch {
		case c == '"':
			inside = !inside
		case !inside && c != ' ' && c != '\t':
			return "", errors.New(`a text that begins with a quote must end with one, and have \" for the quotes in it`)
		case !inside:
		case c == '\\' && i+3 < len(record) && isByte(record[i+1:i+4]):
			n, err := strconv.ParseUint(record[i+1:i+4], 10, 8)
			if err != nil {
				return "", fmt.Errorf("read the text: %w", err)
			}
			content.WriteByte(byte(n))
			i += 3
		case c == '\\' && i+1 < len(record):
			content.WriteByte(record[i+1])
			i++
		default:
			content.WriteByte(c)
		}
	}
	if inside {
		return "", errors.New(`a text that begins with a quote must end with one, and have \" for the quotes in it`)
	}
	return content.String(), nil
}

// isByte tells whether three digits are the number of a byte.
func isByte(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n < 256 && !strings.ContainsAny(digits, "+-")
}

// maxString is how long one of the strings of a text may be. DNS has room for 255 bytes; Designate counts the quotes, too.
const maxString = 253

// quoted is a text as Designate takes it: in quotes, and cut into several strings where it is too long for one.
func quoted(content string) string {
	var out, current strings.Builder
	out.WriteByte('"')
	for i := range len(content) {
		c := content[i]
		piece := string(rune(c))
		switch {
		case c == '"' || c == '\\':
			piece = `\` + piece
		case c < ' ' || c > '~':
			piece = fmt.Sprintf(`\%03d`, c)
		}
		if current.Len()+len(piece) > maxString {
			out.WriteString(current.String() + `" "`)
			current.Reset()
		}
		current.WriteString(piece)
	}
	out.WriteString(current.String() + `"`)
	return out.String()
}

// shown is a record of the API as people write it.
func shown(kind, record string) string {
	if kind != "TXT" && kind != "SPF" {
		return record
	}
	content, err := textOf(record)
	if err != nil || strings.HasPrefix(content, `"`) || content != strings.TrimSpace(content) || content == "" {
		return record
	}
	return content
}

// canonicals are several records, sorted. What cannot be read stays as it is.
func canonicals(kind string, records []string) []string {
	var all []string
	for _, r := range records {
		c, err := canonical(kind, r)
		if err != nil {
			c = r
		}
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// sameRecords tells whether two sets mean the same.
func sameRecords(kind string, a, b []string) bool {
	return slices.Equal(canonicals(kind, a), canonicals(kind, b))
}
