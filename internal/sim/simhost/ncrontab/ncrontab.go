// Package ncrontab reads the schedules of timer triggers: NCRONTAB expressions
// of six fields, {second} {minute} {hour} {day} {month} {day of week}.
//
// A field is *, a number, a range a-b, a list a,b and a step */n or a-b/n;
// months and days of the week have English names of three letters or more, too.
// Unlike cron, NCrontab wants the day of the month AND that of the week to
// match when both are restricted (github.com/atifaziz/NCrontab,
// CrontabSchedule.cs), and knows no 7 for Sunday: which is why no library for
// cron's expressions serves here.
package ncrontab

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is a parsed expression. The zero Schedule never comes.
type Schedule struct {
	second, minute, hour, day, month, weekday uint64 // a bit for each number
	text                                      string
}

// horizon is how far Next looks: the 29th of February that is a given day of
// the week comes after 40 years at the latest.
const horizon = 41

type field struct {
	name     string
	from, to int
	names    []string // of from, from+1 and so on
}

func fields() []field {
	return []field{
		{"second", 0, 59, nil},
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day", 1, 31, nil},
		{"month", 1, 12, []string{
			"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
		}},
		{"day of week", 0, 6, []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}},
	}
}

// Parse reads an expression of six fields, or of five, whose second is 0.
func Parse(text string) (Schedule, error) {
	s := Schedule{text: text}
	parts := strings.Fields(text)
	if len(parts) == 5 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 6 {
		return Schedule{}, fmt.Errorf("schedule %q: %d fields, and there are to be six: second minute hour day month day-of-week", text, len(parts))
	}
	into := []*uint64{&s.second, &s.minute, &s.hour, &s.day, &s.month, &s.weekday}
	for i, f := range fields() {
		var err error
		if *into[i], err = f.parse(parts[i]); err != nil {
			return Schedule{}, fmt.Errorf("schedule %q: %s %q: %w", text, f.name, parts[i], err)
		}
	}
	return s, nil
}

func (f field) parse(text string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return 0, fmt.Errorf("the step %q is no number above 0", stepText)
			}
		}
		from, to := f.from, f.to
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			var err error
			if from, err = f.number(first); err != nil {
				return 0, err
			}
			switch {
			case ranged:
				if to, err = f.number(last); err != nil {
					return 0, err
				}
			case !stepped:
				to = from
			}
			if to < from {
				return 0, fmt.Errorf("the range %s ends before it begins", span)
			}
		}
		for n := from; n <= to; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

func (f field) number(text string) (int, error) {
	for i, name := range f.names {
		if len(text) >= 3 && strings.HasPrefix(name, strings.ToLower(text)) {
			return f.from + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.from || n > f.to {
		return 0, fmt.Errorf("%q is no number from %d to %d", text, f.from, f.to)
	}
	return n, nil
}

func has(set uint64, n int) bool { return set&(1<<n) != 0 }

// Next is the first time after t that the schedule matches, in t's zone; the
// zero time if there is none.
func (s Schedule) Next(t time.Time) time.Time {
	end := t.AddDate(horizon, 0, 0)
	t = t.Truncate(time.Second).Add(time.Second)
	for !t.After(end) {
		switch {
		case !has(s.month, int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, t.Location())
		case !has(s.day, t.Day()) || !has(s.weekday, int(t.Weekday())):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
		case !has(s.hour, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !has(s.minute, t.Minute()):
			t = t.Truncate(time.Minute).Add(time.Minute)
		case !has(s.second, t.Second()):
			t = t.Add(time.Second)
		default:
			return t
		}
	}
	return time.Time{}
}

// String is the expression.
func (s Schedule) String() string { return s.text }
