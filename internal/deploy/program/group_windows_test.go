package program_test

func leadsItsGroup() bool { return false }
