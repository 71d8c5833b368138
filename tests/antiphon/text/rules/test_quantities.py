import pytest

from antiphon.text import spoken

CASES = {
    "₱200, ₩5, ¢5 and 5¢": "two hundred pesos, five won, five cents and five cents",
    "₿2 and ₮9": "two bitcoins and nine tugriks",
    "12,50 €": "twelve euros and fifty cents",
    "1.299,00 €": "one thousand two hundred ninety-nine euros",
    "$1.50-$2.50": "one dollar and fifty cents to two dollars and fifty cents",
    "$20.5, $.99": "twenty dollars and fifty cents, ninety-nine cents",
    "$20.506": "twenty point five zero six dollars",
    "a $20 bill": "a twenty dollar bill",
    "$442.8 Million dollars": "four hundred forty-two point eight million dollars",
    "R$10, USD 50": "ten reais, fifty U S dollars",
    "2%-10%": "two percent to ten percent",
    "5km-10km": "five kilometers to ten kilometers",
    "45ºC and 98.6℉": "forty-five degrees Celsius and ninety-eight point six degrees Fahrenheit",
    "51°30′N": "fifty-one degrees thirty minutes north",
    "12KG and 10 Ω": "twelve kilograms and ten ohms",
    "5 min. and 5 min. more": "five minutes and five minutes more",
    'A 27" monitor is 24" wide.': "A twenty-seven inch monitor is twenty-four inches wide.",
    '"Apollo 13" is': "Apollo thirteen is",
    "3.2e-5": "three point two times ten to the minus five",
    "0,5 l and 100 000 men": "zero point five liters and one hundred thousand men",
    "1-2=-1": "one minus two equals minus one",
    "12/4=3": "twelve divided by four equals three",
    "1/2+1/4=3/4": "one half plus one quarter equals three quarters",
    "1/4th, 2/10ths": "one quarter, two tenths",
    "6'2\" and 6' 7\"": "six foot two and six foot seven",
    "5b": "five b",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_money_and_measures(written: str, heard: str) -> None:
    assert spoken(written).text == heard
