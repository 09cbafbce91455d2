import { IsNotEmpty, IsString } from 'class-validator';
import { emailProblem, newPasswordProblem } from './credentials';
import { Passes } from './passes';

/** What a sign-up carries, as a form or as JSON. Which regions are offered, the service checks. */
export class SignUpDto {
  @Passes('email', emailProblem) email!: string;
  @Passes('newPassword', newPasswordProblem) password!: string;
  @IsString({ message: 'Choose a region.' }) @IsNotEmpty({ message: 'Choose a region.' }) region!: string;
}

/** What a login carries. What could be no address or password at all is simply wrong. */
export class LoginDto {
  @IsString({ message: 'Enter your e-mail address.' })
  @IsNotEmpty({ message: 'Enter your e-mail address.' })
  email!: string;

  @IsString({ message: 'Enter your password.' }) @IsNotEmpty({ message: 'Enter your password.' }) password!: string;
}

/** A password, asked for once more before something that cannot be undone. */
export class PasswordDto {
  @IsString({ message: 'Enter your password.' }) @IsNotEmpty({ message: 'Enter your password.' }) password!: string;
}
