package simulator

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// collated is what the services' databases make of a text when they compare or sort it: the usual collation of MySQL and
// MariaDB knows neither case nor accents, nor spaces at the end.
func collated(text string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(strings.TrimRight(text, " "))))
}

// sameText says whether two texts are the same to the database.
func sameText(a, b string) bool { return a == b || collated(a) == collated(b) }

// hasText says whether a list holds a text as the database compares them.
func hasText(list []string, text string) bool {
	return slices.ContainsFunc(list, func(item string) bool { return sameText(item, text) })
}
