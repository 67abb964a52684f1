package ncrontab_test

import (
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simhost/ncrontab"
)

func TestNext(t *testing.T) {
	const form = "2006-01-02 15:04:05"
	for _, tt := range []struct{ text, from, want string }{
		{"0 */5 * * * *", "2026-01-02 03:04:05", "2026-01-02 03:05:00"},
		{"0 */5 * * * *", "2026-01-02 03:05:00", "2026-01-02 03:10:00"}, // after, never at
		{"0 0 */6 * * *", "2026-01-02 18:00:00", "2026-01-03 00:00:00"},
		{"0 0 * * * *", "2026-12-31 23:30:00", "2027-01-01 00:00:00"},
		{"30 15 9-17 * * 1-5", "2026-01-02 17:15:30", "2026-01-05 09:15:30"}, // Friday to Monday
		{"0 30 9 * Jan Mon", "2026-01-26 09:30:00", "2027-01-04 09:30:00"},
		{"0 0 0 1 1 *", "2026-01-01 00:00:00", "2027-01-01 00:00:00"},
		{"0 0 12 13 * 5", "2026-01-01 00:00:00", "2026-02-13 12:00:00"}, // Friday AND the 13th
		{"0 0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00"},
		{"0 0 0 29 2 0", "2032-03-01 00:00:00", "2060-02-29 00:00:00"}, // 28 years on, a Sunday
		{"5,10-12,50/5 * * * * *", "2026-01-02 03:04:12", "2026-01-02 03:04:50"},
		{"5,10-12,50/5 * * * * *", "2026-01-02 03:04:50", "2026-01-02 03:04:55"},
		{"10-20/5 * * * * *", "2026-01-02 03:04:16", "2026-01-02 03:04:20"},
		{"*/5 * * * *", "2026-01-02 03:04:05", "2026-01-02 03:05:00"}, // five fields: no second
		{"0 0 0 * * 0", "2026-01-02 00:00:00", "2026-01-04 00:00:00"},
		{"0 0 0 31 february *", "2026-01-02 00:00:00", ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			s, err := ncrontab.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			from, err := time.Parse(form, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Next(from.Add(300 * time.Millisecond).Truncate(time.Second))
			if tt.want == "" {
				if !got.IsZero() {
					t.Errorf("got %v, want never", got)
				}
				return
			}
			if got.Format(form) != tt.want {
				t.Errorf("got %s, want %s", got.Format(form), tt.want)
			}
		})
	}
}

func TestBadSchedules(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "0 fields"},
		{"* * * *", "4 fields"},
		{"0 0 0 0 * *", "day"},
		{"60 * * * * *", "second"},
		{"0 60 * * * *", "minute"},
		{"0 0 24 * * *", "hour"},
		{"0 0 0 * 13 *", "month"},
		{"0 0 0 * * 7", "day of week"}, // cron's Sunday
		{"0 0 0 * * Mo", "day of week"},
		{"0 */0 * * * *", "step"},
		{"0 */x * * * *", "step"},
		{"0 5-1 * * * *", "ends before"},
		{"0 , * * * *", "minute"},
		{"0 1-2-3 * * * *", "minute"},
		{"00:05:00", "1 fields"},
	} {
		_, err := ncrontab.Parse(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want an error with %q", tt.text, err, tt.want)
		}
	}
}

// FuzzParse: nothing panics, and what is parsed comes after the time it is asked
// for, on whole seconds.
func FuzzParse(f *testing.F) {
	f.Add("0 */5 9-17 1,15 jan-mar mon")
	f.Add("59 59 23 31 12 6")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ncrontab.Parse(text)
		if err != nil {
			return
		}
		now := time.Date(2026, 2, 28, 23, 59, 59, 5, time.UTC)
		if next := s.Next(now); !next.IsZero() && (!next.After(now) || next.Nanosecond() != 0) {
			t.Errorf("%q: got %v after %v", text, next, now)
		}
	})
}
