package kubernetes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cronField is one of the five fields of a cron schedule.
type cronField struct {
	name     string
	min, max int
	words    []string
}

func cronFields() []cronField {
	return []cronField{
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: "day of month", min: 1, max: 31},
		{name: "month", min: 1, max: 12, words: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{name: "day of week", max: 6, words: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// ValidateSchedule checks a cron schedule of five fields or a name such as @daily,
// as the distributions' snapshot scheduler reads it.
func ValidateSchedule(schedule string) error {
	if strings.HasPrefix(schedule, "@") {
		names := []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}
		if !slices.Contains(names, schedule) {
			return fmt.Errorf("%q is no schedule: the names are %s", schedule, strings.Join(names, ", "))
		}
		return nil
	}
	parts := strings.Fields(schedule)
	fields := cronFields()
	if len(parts) != len(fields) {
		return fmt.Errorf("%q has %d fields; a schedule has five: minute, hour, day of month, month, day of week, such as 0 */6 * * *", schedule, len(parts))
	}
	for i, field := range fields {
		for item := range strings.SplitSeq(parts[i], ",") {
			if err := field.check(item); err != nil {
				return fmt.Errorf("%q: %s: %w", schedule, field.name, err)
			}
		}
	}
	return nil
}

func (f cronField) check(item string) error {
	span, step, stepped := strings.Cut(item, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 {
			return fmt.Errorf("%q is no step", step)
		}
	}
	if span == "*" || span == "?" {
		return nil
	}
	first, last, ranged := strings.Cut(span, "-")
	from, err := f.number(first)
	if err != nil || !ranged {
		return err
	}
	to, err := f.number(last)
	if err != nil {
		return err
	}
	if from > to {
		return fmt.Errorf("the range %s ends before it begins", span)
	}
	return nil
}

func (f cronField) number(text string) (int, error) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return i + f.min, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is not between %d and %d", text, f.min, f.max)
	}
	return n, nil
}
