package app

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// timeSpan reads .NET's [d.]hh:mm[:ss[.fff]]. Without days, a first number of 24
// and more counts days, and the second hours: 24:00:00 are 24 days, as the host's
// documentation warns.
func timeSpan(text string) (time.Duration, error) {
	const form = `^(?:(\d{1,8})\.)?(\d{1,8}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$`
	m := regexp.MustCompile(form).FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no time: write hh:mm:ss", text)
	}
	n := make([]int64, 5)
	for i := 1; i <= 4; i++ {
		if m[i] == "" {
			continue
		}
		var err error
		if n[i], err = strconv.ParseInt(m[i], 10, 64); err != nil {
			return 0, fmt.Errorf("%q is no time: %w", text, err)
		}
	}
	days, hours, minutes, seconds := n[1], n[2], n[3], n[4]
	if m[1] == "" && hours > 23 && m[4] != "" {
		days, hours, minutes, seconds = hours, minutes, seconds, 0
	}
	if hours > 23 || minutes > 59 || seconds > 59 || days > 24_000 {
		return 0, fmt.Errorf("%q is no time: hours to 23, minutes and seconds to 59", text)
	}
	d := time.Duration(days)*24*time.Hour + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
	if m[5] != "" {
		f, err := strconv.ParseFloat("0."+m[5], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no time: %w", text, err)
		}
		d += time.Duration(f * float64(time.Second)).Round(100 * time.Nanosecond)
	}
	return d, nil
}
