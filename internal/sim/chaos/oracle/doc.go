// Package oracle sees everything that happens in a simulation and tells what may
// not be. It is told facts, and asks nobody.
//
// Which promise is held by what:
//
//	P2   Accepted, Said, Write, End    every accepted command is answered
//	P3   Said, Write                   said and changed once, however often delivered
//	P4   Write                         an older command undoes no newer one
//	P5   Write                         no update is lost
//	P6   Wrote, Acts, Performs, Write, what has no answer is read again, or done
//	     ScaleLost, Sends              again, before anything is built on it
//	P7   Write                         an older boot changes nothing
//	P8   Machines, GameStarts,         never two machines, never two games,
//	     Acquired, Fenced              no game without its lease
//	P9   Scale                         a machine is asked for when no other place has one
//	P10  MachineOff, GameStarts, End   no machine is deleted before its save, no save is lost
//	P11  AgentSays                     what is said to be saved is saved
//	P12  Noticed, Gone                 after a notice the game is asked to save, and it is told what is saved
//	P13  Gone                          a machine that vanished is missed, with the true age of the last save
//	P14  Unsaved                       a game that does not save is told of
//	P15  Asked, Write, Scarce, Calm,   what people asked for last is what is there
//	     End
//	P16  Calm, End                     the players told are those who are in
//	P17  Arrived, Handled, Write, End  what a game's log said counts once, and in its order
//	P18  Arrived, End                  what was dropped is told to be
//	P20  Paid, Calm, End               nothing runs that nobody wants or hears of
//	P21  AgentSays                     what an agent sends can be read
//	P23  Said, Log                     no secret in a message or log
//
// docs/promises.md has the promises in full, and what the oracles cannot see.
package oracle
