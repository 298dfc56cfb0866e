"""`python -m gradmeter` is the command `gradmeter`."""

from gradmeter import main

main()
